package interceptor_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/aumos-enterprise/platform/pkg/auth"
	"github.com/aumos-enterprise/platform/pkg/auth/authtest"
	typev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/type/v1"
	"github.com/aumos-enterprise/platform/pkg/grpcserver/grpcservertest"
	"github.com/aumos-enterprise/platform/pkg/interceptor"
	"github.com/aumos-enterprise/platform/pkg/telemetry"
)

func checkHealth(t *testing.T, conn *grpc.ClientConn) {
	t.Helper()
	if _, err := healthv1.NewHealthClient(conn).Check(t.Context(), &healthv1.HealthCheckRequest{}, grpc.WaitForReady(true)); err != nil {
		t.Fatal(err)
	}
}

func listServices(t *testing.T, conn *grpc.ClientConn) {
	t.Helper()
	stream, err := reflectionv1.NewServerReflectionClient(conn).ServerReflectionInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(&reflectionv1.ServerReflectionRequest{MessageRequest: &reflectionv1.ServerReflectionRequest_ListServices{}}); err != nil {
		t.Fatal(err)
	}
	resp, err := stream.Recv()
	if err != nil || len(resp.GetListServicesResponse().GetService()) < 4 {
		t.Fatalf("reflection: %v, %v", resp, err)
	}
	if err := stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); !isEOF(err) {
		t.Fatalf("reflection ends with %v", err)
	}
}

// contract is a file with one service of one method, as a developer could write it.
func contract(t *testing.T, options *descriptorpb.MethodOptions, rule *validate.FieldRules) *protoregistry.Files {
	t.Helper()
	fieldOptions := &descriptorpb.FieldOptions{}
	if rule != nil {
		proto.SetExtension(fieldOptions, validate.E_Field, rule)
	}
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name: new("t.proto"), Package: new("aumos.t.v1"), Syntax: new("proto3"),
		MessageType: []*descriptorpb.DescriptorProto{{Name: new("M"), Field: []*descriptorpb.FieldDescriptorProto{{
			Name: new("f"), Number: new(int32(1)), Type: descriptorpb.FieldDescriptorProto_TYPE_STRING.Enum(),
			Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(), Options: fieldOptions,
		}}}},
		Service: []*descriptorpb.ServiceDescriptorProto{{Name: new("S"), Method: []*descriptorpb.MethodDescriptorProto{{
			Name: new("Do"), InputType: new(".aumos.t.v1.M"), OutputType: new(".aumos.t.v1.M"), Options: options,
		}}}},
	}, protoregistry.GlobalFiles)
	if err != nil {
		t.Fatal(err)
	}
	files := &protoregistry.Files{}
	if err := files.RegisterFile(file); err != nil {
		t.Fatal(err)
	}
	return files
}

func requires(r *typev1.Requirement) *descriptorpb.MethodOptions {
	options := &descriptorpb.MethodOptions{}
	proto.SetExtension(options, typev1.E_Requires, r)
	return options
}

func newChain(t testing.TB, issuer *authtest.Issuer, files *protoregistry.Files) *interceptor.Chain {
	t.Helper()
	chain, err := interceptor.NewChain(interceptor.Config{
		Log: slog.New(slog.DiscardHandler), Registry: telemetry.NewRegistry("t"), Verifier: issuer.Verifier(t), Domain: domain, Files: files,
	})
	if err != nil {
		t.Fatal(err)
	}
	return chain
}

// describe makes a service of one method that answers whatever it is sent.
func describe(service, method string) *grpc.ServiceDesc {
	return &grpc.ServiceDesc{ServiceName: service, HandlerType: (*any)(nil), Methods: []grpc.MethodDesc{{
		MethodName: method,
		Handler: func(srv any, ctx context.Context, decode func(any) error, chain grpc.UnaryServerInterceptor) (any, error) {
			in := &emptypb.Empty{}
			if err := decode(in); err != nil {
				return nil, err
			}
			info := &grpc.UnaryServerInfo{Server: srv, FullMethod: "/" + service + "/" + method}
			return chain(ctx, in, info, func(context.Context, any) (any, error) { return &emptypb.Empty{}, nil })
		},
	}}}
}

func TestCheckMethods(t *testing.T) {
	t.Parallel()
	issuer := authtest.Start(t)
	good := requires(&typev1.Requirement{Permission: "policy.read"})
	badRule := &validate.FieldRules{Cel: []*validate.Rule{{Id: new("x"), Expression: new("this.no_such_field > 7 &&")}}}
	for name, tc := range map[string]struct {
		files   *protoregistry.Files
		service string
		want    string // "": accepted
	}{
		"complete":                {contract(t, good, nil), "aumos.t.v1.S", ""},
		"no option":               {contract(t, nil, nil), "aumos.t.v1.S", "no (aumos.type.v1.requires) option"},
		"other options alone":     {contract(t, &descriptorpb.MethodOptions{Deprecated: new(true)}, nil), "aumos.t.v1.S", "no (aumos.type.v1.requires) option"},
		"no permission":           {contract(t, requires(&typev1.Requirement{ServiceOnly: true}), nil), "aumos.t.v1.S", "no (aumos.type.v1.requires) option"},
		"misspelt permission":     {contract(t, requires(&typev1.Requirement{Permission: "policy.raed"}), nil), "aumos.t.v1.S", `no role grants the permission "policy.raed"`},
		"rule does not compile":   {contract(t, good, badRule), "aumos.t.v1.S", "compile rules of aumos.t.v1.M"},
		"service outside of it":   {contract(t, good, nil), "aumos.t.v1.Other", "/aumos.t.v1.Other/Do: the contract has no"},
		"name like one of health": {contract(t, good, nil), "grpc.health.v1.HealthX", "/grpc.health.v1.HealthX/Do: the contract has no"},
		"unlisted health method":  {contract(t, good, nil), "grpc.health.v1.Health", "/grpc.health.v1.Health/Do: the contract has no"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			chain := newChain(t, issuer, tc.files)
			server := grpc.NewServer(chain.ServerOptions()...)
			server.RegisterService(describe(tc.service, "Do"), nil)
			err := chain.CheckMethods(server)
			if (err == nil) != (tc.want == "") || (err != nil && !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("CheckMethods() = %v, want %q", err, tc.want)
			}
		})
	}
}

// Run checks the methods itself: a service cannot forget to.
func TestServerDoesNotStartWithoutRequirements(t *testing.T) {
	t.Parallel()
	chain := newChain(t, authtest.Start(t), nil)
	s, err := grpcservertest.New(chain)
	if err != nil {
		t.Fatal(err)
	}
	s.GRPC().RegisterService(describe("aumos.t.v1.Unlisted", "Do"), nil)
	if err := s.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "aumos.t.v1.Unlisted") {
		t.Errorf("Run() = %v", err)
	}
}

// Without CheckMethods too, a method that the contract does not know is refused to everyone.
func TestUnlistedMethodsAreDenied(t *testing.T) {
	t.Parallel()
	b := setupBare(t, nil, "aumos.t.v1.Unlisted")
	for _, role := range []auth.Role{auth.RoleAdmin, auth.RoleService} {
		ctx := with(t.Context(), "authorization", "Bearer "+b.issuer.Token(t, "x", parse(t, tenantA), role), "x-tenant-id", tenantA)
		err := b.conn.Invoke(ctx, "/aumos.t.v1.Unlisted/Do", &emptypb.Empty{}, &emptypb.Empty{})
		if status.Code(err) != codes.PermissionDenied {
			t.Errorf("%s: %v", role, err)
		}
	}
}

// service_only holds even where a role of people grants the permission.
func TestServiceOnlyHoldsWhateverTheRolesGrant(t *testing.T) {
	t.Parallel()
	b := setupBare(t, contract(t, requires(&typev1.Requirement{Permission: "decision.evaluate", ServiceOnly: true}), nil), "aumos.t.v1.S")
	for role, code := range map[auth.Role]codes.Code{auth.RoleAdmin: codes.PermissionDenied, auth.RoleService: codes.OK} {
		ctx := with(t.Context(), "authorization", "Bearer "+b.issuer.Token(t, "x", parse(t, tenantA), role), "x-tenant-id", tenantA)
		if err := b.conn.Invoke(ctx, "/aumos.t.v1.S/Do", &emptypb.Empty{}, &emptypb.Empty{}); status.Code(err) != code {
			t.Errorf("%s: %v", role, err)
		}
	}
}
