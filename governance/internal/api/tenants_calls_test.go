package api_test

import (
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	typev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/type/v1"
)

// tenantCall is how an rpc is called by a tenant about things of its own.
type tenantCall struct {
	request func(w *world) proto.Message
	// selects are the id fields that select instead of naming: an id that does not exist selects nothing, which is no error.
	selects []string
	// free are the id fields that name nothing that is there: the caller makes them up.
	free []string
}

func requirementOf(method protoreflect.MethodDescriptor) *typev1.Requirement {
	requirement, _ := proto.GetExtension(method.Options(), typev1.E_Requires).(*typev1.Requirement)
	return requirement
}

func fixed(m proto.Message) func(*world) proto.Message {
	return func(*world) proto.Message { return proto.Clone(m) }
}

// tenantCalls has every rpc of the package.
var tenantCalls = map[string]tenantCall{
	"PolicyService/CreatePolicy": {request: func(w *world) proto.Message {
		m := w.made("new")
		m.RequestId = ""
		return m
	}},
	"PolicyService/GetPolicy":    {request: func(w *world) proto.Message { return &governancev1.GetPolicyRequest{PolicyId: w.policy} }},
	"PolicyService/ListPolicies": {request: fixed(&governancev1.ListPoliciesRequest{})},
	"PolicyService/UpdatePolicy": {request: func(w *world) proto.Message {
		return &governancev1.UpdatePolicyRequest{PolicyId: w.policy, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"description"}}, Description: "changed"}
	}},
	"PolicyService/ArchivePolicy":   {request: func(w *world) proto.Message { return &governancev1.ArchivePolicyRequest{PolicyId: w.otherPolicy} }},
	"PolicyService/UnarchivePolicy": {request: func(w *world) proto.Message { return &governancev1.UnarchivePolicyRequest{PolicyId: w.otherPolicy} }},
	"PolicyService/CreatePolicyVersion": {request: func(w *world) proto.Message {
		return &governancev1.CreatePolicyVersionRequest{PolicyId: w.policy, Modules: module("allow := true")}
	}},
	"PolicyService/GetPolicyVersion": {request: func(w *world) proto.Message {
		return &governancev1.GetPolicyVersionRequest{PolicyVersionId: w.candidate}
	}},
	"PolicyService/ListPolicyVersions": {request: func(w *world) proto.Message { return &governancev1.ListPolicyVersionsRequest{PolicyId: w.policy} }},
	"PolicyService/SubmitPolicyVersion": {request: func(w *world) proto.Message {
		return &governancev1.SubmitPolicyVersionRequest{PolicyVersionId: w.draft}
	}},
	"PolicyService/ApprovePolicyVersion": {request: func(w *world) proto.Message {
		return &governancev1.ApprovePolicyVersionRequest{PolicyVersionId: w.inReview}
	}},
	"PolicyService/RejectPolicyVersion": {request: func(w *world) proto.Message {
		return &governancev1.RejectPolicyVersionRequest{PolicyVersionId: w.inReview, Reason: "no"}
	}},
	"PolicyService/ActivatePolicyVersion": {request: func(w *world) proto.Message {
		return &governancev1.ActivatePolicyVersionRequest{PolicyVersionId: w.approved}
	}},
	"PolicyService/RetirePolicyVersion": {request: func(w *world) proto.Message {
		return &governancev1.RetirePolicyVersionRequest{PolicyVersionId: w.active, Reason: "old"}
	}},
	"PolicyService/RollbackPolicy": {request: func(w *world) proto.Message {
		return &governancev1.RollbackPolicyRequest{PolicyId: w.policy, PolicyVersionId: w.active, Reason: "worse"}
	}},
	"PolicyService/ListQuarantinedVersions": {request: fixed(&governancev1.ListQuarantinedVersionsRequest{})},
	"PolicyService/LiftPolicyQuarantine": {request: func(w *world) proto.Message {
		return &governancev1.LiftPolicyQuarantineRequest{PolicyVersionId: w.slow, Reason: "better"}
	}},
	"PolicyService/ValidatePolicy": {request: fixed(&governancev1.ValidatePolicyRequest{Modules: module("allow := true")})},
	"PolicyService/DiffPolicyVersions": {request: func(w *world) proto.Message {
		return &governancev1.DiffPolicyVersionsRequest{FromPolicyVersionId: w.active, ToPolicyVersionId: w.candidate}
	}},

	"PolicyTestService/CreateTestCase": {request: func(w *world) proto.Message {
		return &governancev1.CreateTestCaseRequest{PolicyId: w.policy, Spec: w.spec("third")}
	}},
	"PolicyTestService/UpdateTestCase": {request: func(w *world) proto.Message {
		return &governancev1.UpdateTestCaseRequest{TestCaseId: w.testCase, Spec: w.spec("changed")}
	}},
	"PolicyTestService/DeleteTestCase":   {request: func(w *world) proto.Message { return &governancev1.DeleteTestCaseRequest{TestCaseId: w.testCase} }},
	"PolicyTestService/ReplaceTestCases": {request: func(w *world) proto.Message { return &governancev1.ReplaceTestCasesRequest{PolicyId: w.policy} }},
	"PolicyTestService/GetTestCase":      {request: func(w *world) proto.Message { return &governancev1.GetTestCaseRequest{TestCaseId: w.testCase} }},
	"PolicyTestService/ListTestCases":    {request: func(w *world) proto.Message { return &governancev1.ListTestCasesRequest{PolicyId: w.policy} }},
	"PolicyTestService/RunPolicyTests":   {request: func(w *world) proto.Message { return &governancev1.RunPolicyTestsRequest{PolicyVersionId: w.draft} }},
	"PolicyTestService/GetTestRun":       {request: func(w *world) proto.Message { return &governancev1.GetTestRunRequest{TestRunId: w.testRun} }},
	"PolicyTestService/ListTestRuns": {
		request: func(w *world) proto.Message {
			return &governancev1.ListTestRunsRequest{PolicyId: w.policy, PolicyVersionId: w.draft}
		},
		selects: []string{"policy_version_id"},
	},
	"PolicyTestService/TestModules": {request: func(w *world) proto.Message {
		return &governancev1.TestModulesRequest{Modules: w.rules(true), Specs: []*governancev1.PolicyTestSpec{w.spec("a")}}
	}},

	"PolicyTemplateService/ListPolicyTemplates": {request: fixed(&governancev1.ListPolicyTemplatesRequest{})},
	"PolicyTemplateService/GetPolicyTemplate":   {request: fixed(&governancev1.GetPolicyTemplateRequest{Name: "data-residency"})},
	"PolicyTemplateService/InstantiatePolicyTemplate": {request: fixed(&governancev1.InstantiatePolicyTemplateRequest{
		Template: "data-residency", Name: "residency", Parameters: object(map[string]any{"regions": []any{"eu-central-1"}}),
	})},

	"DecisionService/Evaluate": {request: func(w *world) proto.Message { return askPolicy(w.policy, x(1)) }},
	"DecisionService/BatchEvaluate": {
		request: func(w *world) proto.Message {
			return &governancev1.BatchEvaluateRequest{Requests: []*governancev1.EvaluateRequest{askPolicy(w.policy, x(1))}}
		},
		selects: []string{"policy_id"}, // it fails alone
	},
	"DecisionService/GetDecision": {request: func(w *world) proto.Message { return &governancev1.GetDecisionRequest{DecisionId: w.decision} }},
	"DecisionService/ListDecisions": {
		request: func(w *world) proto.Message {
			return &governancev1.ListDecisionsRequest{PolicyId: w.policy, PolicyVersionId: w.active}
		},
		selects: []string{"policy_id", "policy_version_id"},
	},
	"DecisionService/GetDecisionStatistics": {
		request: func(w *world) proto.Message {
			return &governancev1.GetDecisionStatisticsRequest{TimeRange: &typev1.TimeRange{
				StartTime: timestamppb.New(time.Now().Add(-time.Hour).Truncate(time.Hour)), EndTime: timestamppb.New(time.Now().Add(2 * time.Hour).Truncate(time.Hour)),
			}, PolicyId: w.policy, Top: 100, Hourly: true}
		},
		selects: []string{"policy_id"},
	},
	"DecisionService/GetDecisionSettings": {request: fixed(&governancev1.GetDecisionSettingsRequest{})},
	"DecisionService/UpdateDecisionSettings": {request: func(w *world) proto.Message {
		return &governancev1.UpdateDecisionSettingsRequest{
			Settings: &governancev1.DecisionSettings{KeepInputs: true, InputRetention: durationpb.New(time.Hour)},
		}
	}},
	"DecisionService/EraseDecisionInputs": {request: fixed(&governancev1.EraseDecisionInputsRequest{Reason: "asked to"})},

	"PolicySimulationService/SimulatePolicy": {request: func(w *world) proto.Message {
		m := simulationOf(w.policy, w.candidate, map[string]any{"n": 1})
		m.CompareWithPolicyVersionId = w.active
		return m
	}},
	"PolicySimulationService/CreateReplay": {request: func(w *world) proto.Message { return replayOf(w.policy, w.candidate) }},
	"PolicySimulationService/GetReplay":    {request: func(w *world) proto.Message { return &governancev1.GetReplayRequest{ReplayId: w.replay} }},
	"PolicySimulationService/ListReplays": {
		request: func(w *world) proto.Message { return &governancev1.ListReplaysRequest{PolicyId: w.policy} }, selects: []string{"policy_id"},
	},
	"PolicySimulationService/CancelReplay": {request: func(w *world) proto.Message { return &governancev1.CancelReplayRequest{ReplayId: w.replay} }},
	"PolicySimulationService/ListReplayDifferences": {request: func(w *world) proto.Message {
		return &governancev1.ListReplayDifferencesRequest{ReplayId: w.replay}
	}},
	"PolicySimulationService/AnalyzeImpact": {request: func(w *world) proto.Message {
		return &governancev1.AnalyzeImpactRequest{
			PolicyId: w.policy, Candidate: &governancev1.AnalyzeImpactRequest_PolicyVersionId{PolicyVersionId: w.candidate}, Days: 1,
		}
	}},
	"PolicySimulationService/StartShadow": {request: func(w *world) proto.Message {
		m := w.shadowing("")
		m.RequestId = ""
		return m
	}},
	"PolicySimulationService/StopShadow": {request: func(w *world) proto.Message { return &governancev1.StopShadowRequest{ShadowId: w.shadow} }},
	"PolicySimulationService/GetShadow":  {request: func(w *world) proto.Message { return &governancev1.GetShadowRequest{ShadowId: w.shadow} }},
	"PolicySimulationService/ListShadows": {
		request: func(w *world) proto.Message { return &governancev1.ListShadowsRequest{PolicyId: w.policy} }, selects: []string{"policy_id"},
	},
	"PolicySimulationService/ListShadowDifferences": {request: func(w *world) proto.Message {
		return &governancev1.ListShadowDifferencesRequest{ShadowId: w.shadow}
	}},

	"BundleService/GetBundle":       {request: fixed(&governancev1.GetBundleRequest{})},
	"BundleService/ListBundleKeys":  {request: fixed(&governancev1.ListBundleKeysRequest{})},
	"BundleService/RecordHeartbeat": {request: func(w *world) proto.Message { return w.beat("sidecar-1") }},
	"BundleService/ReleaseSidecar":  {request: fixed(&governancev1.ReleaseSidecarRequest{SidecarId: "sidecar-2", Reason: "moved"})},
	"BundleService/ListSidecars":    {request: fixed(&governancev1.ListSidecarsRequest{})},

	"AuditService/RecordEntry": {request: func(w *world) proto.Message { return w.recorded("entry") }, free: []string{"entry_id"}},
	"AuditService/BatchRecordEntries": {
		request: func(w *world) proto.Message {
			return &governancev1.BatchRecordEntriesRequest{Entries: []*governancev1.RecordEntryRequest{w.recorded("entry")}}
		},
		free: []string{"entry_id"},
	},
	"AuditService/CorrectEntry": {request: func(w *world) proto.Message {
		return &governancev1.CorrectEntryRequest{EntryId: w.decision, Reason: "wrong", RequestId: again("correct")}
	}},
	"AuditService/GetEntry": {request: func(w *world) proto.Message {
		return &governancev1.GetEntryRequest{Key: &governancev1.GetEntryRequest_EntryId{EntryId: w.decision}}
	}},
	"AuditService/ListEntries": {
		request: func(w *world) proto.Message { return &governancev1.ListEntriesRequest{ResourceId: w.policy} }, selects: []string{"resource_id"},
		free: []string{"actor_id"},
	},
	"AuditService/WatchEntries": {
		request: func(w *world) proto.Message {
			return &governancev1.WatchEntriesRequest{ResourceId: w.policy, HeartbeatInterval: durationpb.New(time.Second)}
		},
		selects: []string{"resource_id"}, free: []string{"actor_id"},
	},
	"AuditService/GetCheckpoint":       {request: fixed(&governancev1.GetCheckpointRequest{})},
	"AuditService/ListCheckpoints":     {request: fixed(&governancev1.ListCheckpointsRequest{})},
	"AuditService/GetHeadCommitment":   {request: fixed(&governancev1.GetHeadCommitmentRequest{})},
	"AuditService/GetInclusionProof":   {request: fixed(&governancev1.GetInclusionProofRequest{LeafIndex: 1})},
	"AuditService/GetConsistencyProof": {request: fixed(&governancev1.GetConsistencyProofRequest{FirstTreeSize: 1})},
	"AuditService/GetReceipt":          {request: func(w *world) proto.Message { return &governancev1.GetReceiptRequest{EntryId: w.decision} }},
	"AuditService/ListLogKeys":         {request: fixed(&governancev1.ListLogKeysRequest{})},
	"AuditService/GetWallPosture":      {request: fixed(&governancev1.GetWallPostureRequest{})},

	"TimeMachineService/GetResourceAt": {request: func(w *world) proto.Message {
		return &governancev1.GetResourceAtRequest{Resource: &governancev1.ResourceReference{Type: "policy", Id: w.policy}}
	}},
	"TimeMachineService/ListResourcesAt": {request: fixed(&governancev1.ListResourcesAtRequest{ResourceType: "policy"})},
	"TimeMachineService/DiffResources": {
		request: func(w *world) proto.Message {
			at := func() *governancev1.ResourceAt {
				return &governancev1.ResourceAt{Resource: &governancev1.ResourceReference{Type: "policy", Id: w.policy}}
			}
			return &governancev1.DiffResourcesRequest{Before: at(), After: at()}
		},
		selects: []string{"id"}, // nothing is a state
	},
	"TimeMachineService/ListResourceHistory": {
		request: func(w *world) proto.Message {
			return &governancev1.ListResourceHistoryRequest{Resource: &governancev1.ResourceReference{Type: "policy", Id: w.policy}}
		},
		selects: []string{"id"},
	},
}
