package interceptor

import (
	"strings"

	"google.golang.org/grpc/metadata"

	"github.com/aumos-enterprise/platform/pkg/auth"
	"github.com/aumos-enterprise/platform/pkg/errs"
)

// authenticate verifies the bearer token, then checks what the contract requires of the caller. A method without a requirement is refused.
func (c *Chain) authenticate(call *call) error {
	return c.authorize(call, metadata.ValueFromIncomingContext(call.Context, "authorization"), call.method.required)
}

// authorize verifies the token of the authorization values and checks what is required of the caller. The zero requirement is met by nobody.
func (c *Chain) authorize(call *call, authorization []string, required requirement) error {
	token, err := bearerToken(authorization)
	if err != nil {
		return err
	}
	p, err := c.verifier.Verify(call, token)
	if err != nil {
		return err
	}
	call.principal = p
	if required.permission == "" || !p.May(required.permission) || (required.serviceOnly && p.Kind != auth.KindService) {
		return errs.New(errs.PermissionDenied, errs.ReasonPermissionMissing, "the caller's roles do not grant what the call requires").
			With("permission", required.permission)
	}
	return nil
}

// bearerToken returns the token of the one authorization value. Two values are refused: which of them another hop believed is unknown.
func bearerToken(values []string) (string, error) {
	if len(values) == 1 {
		scheme, token, found := strings.Cut(values[0], " ")
		if found && strings.EqualFold(scheme, "bearer") && token != "" {
			return token, nil
		}
	}
	return "", errs.New(errs.Unauthenticated, errs.ReasonInvalidToken,
		"the bearer token is missing or does not verify: send one authorization value, \"Bearer \" and the token")
}
