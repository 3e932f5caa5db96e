package errs

import "time"

// Reason is the machine-readable part of an error: the name of a value of the service's ErrorReason enum without its prefix.
type Reason string

// Reasons that every service has.
const (
	ReasonInvalidField      Reason = "INVALID_FIELD"
	ReasonInvalidToken      Reason = "INVALID_TOKEN"
	ReasonPermissionMissing Reason = "PERMISSION_MISSING"
	ReasonTenantMismatch    Reason = "TENANT_MISMATCH"
	ReasonTenantMissing     Reason = "TENANT_MISSING"
	ReasonNotFound          Reason = "NOT_FOUND"
	ReasonAlreadyExists     Reason = "ALREADY_EXISTS"
	ReasonStaleETag         Reason = "STALE_ETAG"
	ReasonRequestIDReused   Reason = "REQUEST_ID_REUSED"
	ReasonInvalidPageToken  Reason = "INVALID_PAGE_TOKEN"
	ReasonConflict          Reason = "CONFLICT"
	ReasonUnavailable       Reason = "UNAVAILABLE"
	ReasonOverloaded        Reason = "OVERLOADED"
	ReasonCallEnded         Reason = "CALL_ENDED"
	ReasonInternal          Reason = "INTERNAL"
	ReasonTokenExpired      Reason = "TOKEN_EXPIRED"
)

// Reasons of governance.
const (
	ReasonRegoInvalid          Reason = "REGO_INVALID"
	ReasonPolicyNotActive      Reason = "POLICY_NOT_ACTIVE"
	ReasonDecisionPointUnbound Reason = "DECISION_POINT_UNBOUND"
	ReasonPolicyVersionState   Reason = "POLICY_VERSION_STATE"
	ReasonSamePerson           Reason = "SAME_PERSON"
	ReasonTestsRequired        Reason = "TESTS_REQUIRED"
	ReasonPolicyArchived       Reason = "POLICY_ARCHIVED"
	ReasonPolicyInUse          Reason = "POLICY_IN_USE"
	ReasonInputsNotKept        Reason = "INPUTS_NOT_KEPT"
	ReasonInputsKeyMissing     Reason = "INPUTS_KEY_MISSING"
	ReasonBundlesKeyMissing    Reason = "BUNDLES_KEY_MISSING"
	ReasonLimitReached         Reason = "LIMIT_REACHED"
	ReasonSidecarOwned         Reason = "SIDECAR_OWNED"
	ReasonEntryTooLarge        Reason = "ENTRY_TOO_LARGE"
	ReasonEntryIDReused        Reason = "ENTRY_ID_REUSED"
	ReasonTreeSizeBeyondLog    Reason = "TREE_SIZE_BEYOND_LOG"
	ReasonLogInconsistent      Reason = "LOG_INCONSISTENT"
	ReasonPositionNotReached   Reason = "POSITION_NOT_REACHED"
	ReasonPlatformLog          Reason = "PLATFORM_LOG"
)

// Reasons of drift.
const (
	ReasonStreamOrder            Reason = "STREAM_ORDER"
	ReasonDataEmpty              Reason = "DATA_EMPTY"
	ReasonColumnUnknown          Reason = "COLUMN_UNKNOWN"
	ReasonColumnMissing          Reason = "COLUMN_MISSING"
	ReasonColumnDuplicate        Reason = "COLUMN_DUPLICATE"
	ReasonColumnType             Reason = "COLUMN_TYPE"
	ReasonColumnLength           Reason = "COLUMN_LENGTH"
	ReasonValueNotFinite         Reason = "VALUE_NOT_FINITE"
	ReasonValueTooLong           Reason = "VALUE_TOO_LONG"
	ReasonCardinalityTooHigh     Reason = "CARDINALITY_TOO_HIGH"
	ReasonDataTooLarge           Reason = "DATA_TOO_LARGE"
	ReasonBaselineTooSmall       Reason = "BASELINE_TOO_SMALL"
	ReasonBaselineNotActive      Reason = "BASELINE_NOT_ACTIVE"
	ReasonStreamSequence         Reason = "STREAM_SEQUENCE"
	ReasonTooManyDrifts          Reason = "TOO_MANY_DRIFTS"
	ReasonEmbeddingNotConfigured Reason = "EMBEDDING_NOT_CONFIGURED"
)

// retryUnavailable is the advice for a dependency that is down: long enough not to storm it, short enough to be useful.
const retryUnavailable = 2 * time.Second
