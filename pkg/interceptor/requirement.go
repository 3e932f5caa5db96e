package interceptor

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"buf.build/go/protovalidate"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/aumos-enterprise/platform/pkg/auth"
	typev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/type/v1"
)

// requirement is the contract's aumos.type.v1.requires option of a method.
type requirement struct {
	permission  string
	serviceOnly bool
}

// open reports whether anyone may call the method. They are listed by name, since they tell nothing of any tenant.
func open(method string) bool {
	switch method {
	case "/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/List", "/grpc.health.v1.Health/Watch",
		"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo":
		return true
	default:
		return false
	}
}

// requirementsOf reads the requirements of every method of the contract that has one.
func requirementsOf(files *protoregistry.Files) map[string]requirement {
	all := make(map[string]requirement)
	files.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			service := file.Services().Get(i)
			for j := range service.Methods().Len() {
				method := service.Methods().Get(j)
				if !proto.HasExtension(method.Options(), typev1.E_Requires) {
					continue
				}
				if r, ok := proto.GetExtension(method.Options(), typev1.E_Requires).(*typev1.Requirement); ok && r.GetPermission() != "" {
					all["/"+string(service.FullName())+"/"+string(method.Name())] = requirement{r.GetPermission(), r.GetServiceOnly()}
				}
			}
		}
		return true
	})
	return all
}

// CheckMethods refuses a server with a method that has no requirement, whose permission no role grants, or whose request's rules do not compile. It
// also makes each method's counters visible at zero. Call it once all services are registered, before serving.
func (c *Chain) CheckMethods(srv *grpc.Server) error {
	var problems []error
	services := srv.GetServiceInfo()
	for _, service := range slices.Sorted(maps.Keys(services)) {
		for _, m := range services[service].Methods {
			method := "/" + service + "/" + m.Name
			c.metrics.method(method, typeOf(m.IsClientStream, m.IsServerStream))
			if open(method) {
				continue
			}
			if err := c.checkMethod(method, protoreflect.FullName(service).Append(protoreflect.Name(m.Name))); err != nil {
				problems = append(problems, fmt.Errorf("%s: %w", method, err))
			}
		}
	}
	if len(problems) > 0 {
		return fmt.Errorf("check methods: %w", errors.Join(problems...))
	}
	return nil
}

func (c *Chain) checkMethod(method string, name protoreflect.FullName) error {
	required, ok := c.metrics.requirements[method]
	if !ok {
		return errors.New("the contract has no (aumos.type.v1.requires) option with a permission")
	}
	if !auth.Granted(required.permission) {
		return fmt.Errorf("no role grants the permission %q", required.permission)
	}
	found, err := c.files.FindDescriptorByName(name)
	if err != nil {
		return fmt.Errorf("find descriptor: %w", err)
	}
	descriptor, ok := found.(protoreflect.MethodDescriptor)
	if !ok {
		return fmt.Errorf("%s is no method", name)
	}
	// Rules compile on first use: here, a mistake in one stops the start and no caller waits for it.
	err = protovalidate.Validate(dynamicpb.NewMessage(descriptor.Input()))
	if _, ok := errors.AsType[*protovalidate.CompilationError](err); ok {
		return fmt.Errorf("compile rules of %s: %w", descriptor.Input().FullName(), err)
	}
	return nil
}
