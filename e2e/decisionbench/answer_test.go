//go:build linux

package decisionbench_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// thorough is how often an answer is read as a whole, by the libraries that are for it; in the others only the outcome is looked for.
const thorough = 64

var errNotAllowed = errors.New("not what the policy says")

// opaAllows judges OPA's answers.
func opaAllows() func(body []byte) error {
	answers := 0
	return func(body []byte) error {
		if !bytes.Contains(body, []byte(`"allow":true`)) {
			return errNotAllowed
		}
		if answers++; answers%thorough != 1 {
			return nil
		}
		var answer struct {
			Result struct {
				Allow      bool              `json:"allow"`
				Violations []json.RawMessage `json:"violations"`
			} `json:"result"`
		}
		if err := json.Unmarshal(body, &answer); err != nil {
			return err
		}
		if !answer.Result.Allow || len(answer.Result.Violations) > 0 {
			return errNotAllowed
		}
		return nil
	}
}

// platformAllows judges the platform's answers.
func platformAllows() func(message []byte) error {
	answers := 0
	return func(message []byte) error {
		if outcome(message) != governancev1.DecisionOutcome_DECISION_OUTCOME_ALLOW {
			return unexpected(message)
		}
		if answers++; answers%thorough != 1 {
			return nil
		}
		var answer governancev1.EvaluateResponse
		if err := proto.Unmarshal(message, &answer); err != nil {
			return err
		}
		d := answer.GetDecision()
		if d.GetOutcome() != governancev1.DecisionOutcome_DECISION_OUTCOME_ALLOW || len(d.GetResults()) != 1 || d.GetPosition().GetLeafIndex() == 0 {
			return unexpected(message)
		}
		return nil
	}
}

// unexpected says what the platform answered instead.
func unexpected(message []byte) error {
	var answer governancev1.EvaluateResponse
	if err := proto.Unmarshal(message, &answer); err != nil {
		return err
	}
	return fmt.Errorf("%w: %v", errNotAllowed, &answer)
}

// outcome finds the outcome in an EvaluateResponse.
func outcome(message []byte) governancev1.DecisionOutcome {
	value, _ := protowire.ConsumeVarint(field(field(message, 1), 2))
	return governancev1.DecisionOutcome(value) //nolint:gosec // what is not an outcome is not the right one
}

// field returns a field's value, without the length that bytes have; nothing when it is missing.
func field(message []byte, wanted protowire.Number) []byte {
	for len(message) > 0 {
		number, kind, head := protowire.ConsumeTag(message)
		if head < 0 {
			return nil
		}
		size := protowire.ConsumeFieldValue(number, kind, message[head:])
		if size < 0 {
			return nil
		}
		value := message[head : head+size]
		if number == wanted {
			if kind == protowire.BytesType {
				value, _ = protowire.ConsumeBytes(value)
			}
			return value
		}
		message = message[head+size:]
	}
	return nil
}
