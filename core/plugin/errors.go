package plugin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/waveprior/waveprior/core/contract"
)

// errorKey is the trailing metadata that names the kind of an error.
const errorKey = "waveprior-error"

// maxErrorText is how many bytes of an error's text are sent: it travels in a header, which other languages limit to 8 KiB.
const maxErrorText = 4 << 10

// kinds are the errors that keep their identity, in the order in which they are looked for.
var kinds = []struct {
	name string
	err  error
	code codes.Code
}{
	{"plugin-died", contract.ErrPluginDied, codes.Unavailable},
	{"invalid-option", contract.ErrInvalidOption, codes.InvalidArgument},
	{"shape", contract.ErrShape, codes.InvalidArgument},
	{"unsupported", contract.ErrUnsupported, codes.Unimplemented},
	{"not-configured", contract.ErrNotConfigured, codes.FailedPrecondition},
	{"no-observation", contract.ErrNoObservation, codes.FailedPrecondition},
	{"out-of-memory", contract.ErrOutOfMemory, codes.ResourceExhausted},
	{"failed-checkpoint", contract.ErrCheckpoint, codes.DataLoss},
	{"canceled", context.Canceled, codes.Canceled},
	{"deadline-exceeded", context.DeadlineExceeded, codes.DeadlineExceeded},
	{"internal", contract.ErrInternal, codes.Internal},
}

// toStatus makes the gRPC error and the kind's name of a handler's error. An error of no kind is internal.
func toStatus(err error) (string, error) {
	text := strings.ToValidUTF8(err.Error(), "?")
	if len(text) > maxErrorText {
		text = text[:maxErrorText]
		for !utf8.ValidString(text) {
			text = text[:len(text)-1]
		}
		text += " ... (cut)"
	}
	for _, k := range kinds {
		if errors.Is(err, k.err) {
			return k.name, status.Error(k.code, text)
		}
	}
	return "internal", status.Error(codes.Internal, text)
}

// remoteError is an error of the other process: its text, and the kind for errors.Is.
type remoteError struct {
	text     string
	kind     error
	answered bool // a handler made it, so the process was well
}

func (e *remoteError) Error() string { return e.text }
func (e *remoteError) Unwrap() error { return e.kind }

// Answered reports whether an error is the other process's answer to a call. An answer may be of kind contract.ErrPluginDied,
// when a sampler tells of the death of a service's plugin; without an answer that kind means the process itself.
func Answered(err error) bool {
	var e *remoteError
	return errors.As(err, &e) && e.answered
}

// verdict says what came of a call that failed.
type verdict struct {
	err      error
	answered bool // the callee has answered: it touches no tensor of this call any more
	lost     bool // the connection broke: the process is dead or as good as dead
}

// judge turns the error of a gRPC call into an error of this package's kinds. ctx is that of the call, trailer what came
// with the answer, who and method name the call in the text.
func judge(ctx context.Context, who, method string, err error, trailer metadata.MD) verdict {
	st, _ := status.FromError(err)
	if v := trailer.Get(errorKey); len(v) > 0 {
		kind := contract.ErrInternal
		for _, k := range kinds {
			if k.name == v[0] {
				kind = k.err
			}
		}
		return verdict{err: &remoteError{fmt.Sprintf("%s: %s: %s", who, method, st.Message()), kind, true}, answered: true}
	}
	if cause := ctx.Err(); cause != nil {
		return verdict{err: fmt.Errorf("%s: %s: %w", who, method, cause)}
	}
	text := fmt.Sprintf("%s: %s: %v: %s", who, method, st.Code(), st.Message())
	switch st.Code() {
	case codes.DeadlineExceeded:
		return verdict{err: fmt.Errorf("%s: %s: %w", who, method, context.DeadlineExceeded)}
	case codes.Unavailable, codes.Canceled: // Canceled without our context: the connection is being closed
		return verdict{err: &remoteError{fmt.Sprintf("%s: %s: the process ended, or its connection broke, in the call (%s)", who, method, st.Message()), contract.ErrPluginDied, false}, lost: true}
	case codes.Unimplemented: // a service or method that a plugin in another language does not have
		return verdict{err: &remoteError{text, contract.ErrUnsupported, true}, answered: true}
	case codes.Unknown, codes.InvalidArgument, codes.NotFound, codes.AlreadyExists, codes.FailedPrecondition,
		codes.Aborted, codes.OutOfRange, codes.DataLoss, codes.PermissionDenied:
		if errors.Is(err, io.EOF) {
			return verdict{err: &remoteError{text, contract.ErrPluginDied, false}, lost: true}
		}
		// gRPC's client never makes these itself: a handler without our trailer, such as an exception in Python.
		return verdict{err: &remoteError{text, contract.ErrInternal, true}, answered: true}
	}
	return verdict{err: &remoteError{text, contract.ErrInternal, false}}
}

// answer is the end of every handler on the server side: it gives an error its kind.
func answer(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	name, st := toStatus(err)
	// It fails only when the stream is gone, and then nobody reads the trailer either.
	_ = grpc.SetTrailer(ctx, metadata.Pairs(errorKey, name))
	return st
}
