package errs

// ResourceNotFound reports that the caller's tenant has no such resource. Another tenant's resource is reported the same way.
func ResourceNotFound(resource, id string) *Error {
	return New(NotFound, ReasonNotFound, "%s not found", resource).With("resource", resource).With("id", id)
}

// Duplicate reports that a resource with the same unique field exists.
func Duplicate(resource, field string) *Error {
	return New(AlreadyExists, ReasonAlreadyExists, "a %s with this %s exists", resource, field).
		With("resource", resource).With("field", field)
}

// InvalidField reports that a field of the request breaks a rule.
func InvalidField(field, format string, args ...any) *Error {
	return New(InvalidArgument, ReasonInvalidField, "the request is invalid: see the field violations").Field(field, format, args...)
}

// StaleETag reports that the etag sent is not the current one.
func StaleETag(resource string) *Error {
	return New(Aborted, ReasonStaleETag, "the %s has changed: read it again and retry with its etag", resource)
}

// Down reports that a dependency does not answer.
func Down(dependency string, cause error) *Error {
	return New(Unavailable, ReasonUnavailable, "%s is unavailable: retry", dependency).Because(cause).After(retryUnavailable)
}
