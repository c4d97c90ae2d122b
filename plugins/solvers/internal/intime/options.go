package intime

// Grid is the model's grid.
type Grid struct {
	NZ       *int     `option:"nz" min:"2" max:"8192" doc:"nodes in depth"`
	NX       *int     `option:"nx" min:"2" max:"8192" doc:"nodes across"`
	SpacingM *float64 `option:"spacing_m" above:"0" unit:"m" doc:"distance of nodes"`
}
