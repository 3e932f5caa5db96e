package auditlog

import "google.golang.org/protobuf/encoding/protowire"

// Field numbers of aumos.governance.v1.AuditEntry.
const (
	fieldFormatVersion protowire.Number = 1
	fieldEntryID       protowire.Number = 2
	fieldTenantID      protowire.Number = 3
	fieldLeafIndex     protowire.Number = 4
	fieldRecordedTime  protowire.Number = 5
	fieldEffectiveTime protowire.Number = 6
	fieldEventType     protowire.Number = 7
	fieldAction        protowire.Number = 8
	fieldOutcome       protowire.Number = 9
	fieldActor         protowire.Number = 10
	fieldResource      protowire.Number = 11
	fieldSourceService protowire.Number = 12
	fieldRequestID     protowire.Number = 13
	fieldCorrelationID protowire.Number = 14
	fieldDetails       protowire.Number = 15
	fieldDigests       protowire.Number = 16
)

// Field numbers of google.protobuf.Value.
const (
	valueNull   protowire.Number = 1
	valueNumber protowire.Number = 2
	valueString protowire.Number = 3
	valueBool   protowire.Number = 4
	valueStruct protowire.Number = 5
	valueList   protowire.Number = 6
)
