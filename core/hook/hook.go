//go:build !hooks

// Package hook lets a test stop a process exactly inside a call, to kill it there. In a normal build At does nothing and
// is inlined away. With build tag "hooks" the environment says where:
//
//	WAVEPRIOR_HOOK=solver.Misfit:3      # the point, and at which time (1 when left out) in a process
//	WAVEPRIOR_HOOK_FILE=/tmp/stopped    # created with the process id by the one process that stops
//
// Points of package plugin: "<kind>.<Method>" after a request is decoded, "<kind>.<Method>.reply" before it is answered,
// "<kind>.Train.progress" at every report of a training run, and the same under "service." for the services that the
// host serves to samplers ("service.prior.Denoise", "service.physics.Misfit"). Points of the host: "host.<stage>" in each
// stage's work, "host.<stage>.commit", ".manifest" and ".renamed" around its commit, "host.checkpoint". Of package nn:
// "nn.step" after every step of a training, "nn.checkpoint" before its checkpoint is written and "nn.checkpoint.written"
// after. Of every process: "commit.rename" before a file gets its name. It is not a way to change what runs.
package hook

// Enabled says whether this build has hooks.
const Enabled = false

// At is a point where a test may stop this process.
func At(point string) {}
