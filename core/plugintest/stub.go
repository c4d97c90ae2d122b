package plugintest

import (
	"context"
)

func CheckPrior(ctx context.Context, t Target, o Options) []Property   { return nil }
func CheckSampler(ctx context.Context, t Target, o Options) []Property { return nil }
