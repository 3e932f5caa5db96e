// Package governance is drift's way to the governance service: it records evidence on the Audit Wall over gRPC. What is recorded, and when it is tried
// again, is package evidence's.
package governance

import (
	"context"
	"encoding/json"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/aumos-enterprise/platform/drift/internal/evidence"
	"github.com/aumos-enterprise/platform/pkg/auth"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	typev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/type/v1"
	"github.com/aumos-enterprise/platform/pkg/requestid"
)

// Client records evidence in governance.
type Client struct {
	audit governancev1.AuditServiceClient
}

// New returns a client that uses the connection, which puts the service's credentials and the context's tenant on every call.
func New(conn grpc.ClientConnInterface) *Client {
	return &Client{audit: governancev1.NewAuditServiceClient(conn)}
}

// Record implements evidence.Record: it appends the entry and fetches its receipt.
func (c *Client) Record(ctx context.Context, e evidence.Entry) (evidence.Receipt, error) {
	request, err := entryTo(e)
	if err != nil {
		return evidence.Receipt{}, err
	}
	// governance's logs shall name the request that the entry comes from.
	ctx = requestid.NewContext(ctx, e.RequestID)
	if _, err := c.audit.RecordEntry(ctx, request); err != nil {
		return evidence.Receipt{}, judge("record entry", err)
	}
	response, err := c.audit.GetReceipt(ctx, &governancev1.GetReceiptRequest{EntryId: e.EntryID.String()})
	if err != nil {
		return evidence.Receipt{}, judge("get receipt", err)
	}
	position := response.GetPosition()
	if position.GetEntryId() != e.EntryID.String() || len(position.GetLeafHash()) != 32 || position.GetLeafIndex() < 0 || response.GetReceipt() == "" {
		return evidence.Receipt{}, fmt.Errorf("get receipt: governance answered with no receipt of entry %s", e.EntryID)
	}
	return evidence.Receipt{
		LeafIndex: position.GetLeafIndex(), LeafHash: [32]byte(position.GetLeafHash()), Text: response.GetReceipt(),
	}, nil
}

// judge tells refusals, which trying again soon will not cure, from failures that it will.
func judge(what string, err error) error {
	switch status.Code(err) {
	case codes.InvalidArgument, codes.AlreadyExists, codes.PermissionDenied, codes.FailedPrecondition, codes.OutOfRange, codes.Unimplemented:
		return fmt.Errorf("%s: %w: %w", what, evidence.ErrRefused, err)
	default:
		return fmt.Errorf("%s: %w", what, err)
	}
}

// entryTo is deterministic: the same entry gives the same request, which is what makes repeating it harmless.
func entryTo(e evidence.Entry) (*governancev1.RecordEntryRequest, error) {
	details, err := structTo(e.Details)
	if err != nil {
		return nil, fmt.Errorf("encode details: %w", err)
	}
	state, err := structTo(e.Resource.State)
	if err != nil {
		return nil, fmt.Errorf("encode resource state: %w", err)
	}
	request := &governancev1.RecordEntryRequest{
		EntryId: e.EntryID.String(), EffectiveTime: timestamppb.New(e.EffectiveTime), EventType: string(e.Kind), Action: e.Action,
		Outcome:   outcomeTo(e.Outcome),
		Actor:     &typev1.Actor{Kind: kindTo(e.Actor.Kind), Id: e.Actor.ID},
		Resource:  &governancev1.AuditResource{Type: e.Resource.Type, Id: e.Resource.ID.String(), Name: e.Resource.Name, State: state},
		RequestId: e.RequestID, CorrelationId: e.CorrelationID, Details: details,
	}
	for _, d := range e.Digests {
		request.Digests = append(request.Digests, &governancev1.AuditDigest{Name: d.Name, Sha256: d.SHA256[:]})
	}
	return request, nil
}

// structTo goes through JSON, which is what the values are.
func structTo(values map[string]any) (*structpb.Struct, error) {
	if values == nil {
		return nil, nil // an unset field
	}
	encoded, err := json.Marshal(values)
	if err != nil {
		return nil, err
	}
	s := &structpb.Struct{}
	return s, protojson.Unmarshal(encoded, s)
}

func outcomeTo(o evidence.Outcome) governancev1.AuditOutcome {
	if o == evidence.Success {
		return governancev1.AuditOutcome_AUDIT_OUTCOME_SUCCESS
	}
	return governancev1.AuditOutcome_AUDIT_OUTCOME_UNSPECIFIED
}

func kindTo(k auth.Kind) typev1.ActorKind {
	switch k {
	case auth.KindUser:
		return typev1.ActorKind_ACTOR_KIND_USER
	case auth.KindService:
		return typev1.ActorKind_ACTOR_KIND_SERVICE
	}
	return typev1.ActorKind_ACTOR_KIND_UNSPECIFIED
}
