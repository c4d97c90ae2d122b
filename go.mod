module github.com/waveprior/waveprior

go 1.26
