package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
)

// monitorByName finds a monitor; nil when there is none of this name.
func (a *app) monitorByName(ctx context.Context, clients *driftClients, name string) (*driftv1.Monitor, error) {
	res, err := call(ctx, a, clients.monitors.ListMonitors, &driftv1.ListMonitorsRequest{PageSize: 1, Name: name})
	if err != nil || len(res.GetMonitors()) == 0 {
		return nil, err
	}
	return res.GetMonitors()[0], nil
}

// ensureModel finds or registers the model.
func (a *app) ensureModel(ctx context.Context, clients *driftClients, o *detectOptions) (*driftv1.Model, error) {
	task, ok := driftv1.ModelTask_value["MODEL_TASK_"+strings.ToUpper(o.task)]
	if !ok || task == 0 {
		return nil, fmt.Errorf("--task %q is none of %s", o.task, strings.Join(taskNames(), ", "))
	}
	list, err := call(ctx, a, clients.models.ListModels, &driftv1.ListModelsRequest{PageSize: 1, Name: o.model})
	if err != nil {
		return nil, err
	}
	if len(list.GetModels()) > 0 {
		return list.GetModels()[0], nil
	}
	res, err := call(ctx, a, clients.models.RegisterModel, &driftv1.RegisterModelRequest{
		Name: o.model, Task: driftv1.ModelTask(task), Owner: a.owner(ctx, o),
	})
	if err == nil {
		a.note("registered model %s", o.model)
	}
	return res.GetModel(), err
}

// owner is who answers for a new model unless it is said: the client that this program acts as.
func (a *app) owner(ctx context.Context, o *detectOptions) string {
	if o.owner != "" {
		return o.owner
	}
	if s, err := a.session(ctx); err == nil && s.profile.ClientID != "" {
		return s.profile.ClientID
	}
	return "unassigned"
}

// ensureMonitor finds the monitor, which must watch the same features in the same way, or creates it.
func (a *app) ensureMonitor(ctx context.Context, clients *driftClients, o *detectOptions, features []*driftv1.Feature) (*driftv1.Monitor, error) {
	model, err := a.ensureModel(ctx, clients, o)
	if err != nil {
		return nil, err
	}
	monitor, err := a.monitorByName(ctx, clients, o.monitor)
	if err != nil {
		return nil, err
	}
	if monitor != nil {
		differences := compareMonitor(monitor, model, features, &o.rule)
		if len(differences) > 0 {
			return nil, fmt.Errorf("monitor %q exists and differs: %s; choose another name with --monitor", o.monitor, strings.Join(differences, "; "))
		}
		return monitor, nil
	}
	res, err := call(ctx, a, clients.monitors.CreateMonitor, &driftv1.CreateMonitorRequest{
		ModelId: model.GetId(), Name: o.monitor, Features: features, Rule: &o.rule,
	})
	if err == nil {
		a.note("created monitor %s with %s", o.monitor, plural(len(features), "feature"))
	}
	return res.GetMonitor(), err
}

// compareMonitor says in what a monitor differs from what is asked for. Tests and rules that were not asked for are the monitor's own.
func compareMonitor(monitor *driftv1.Monitor, model *driftv1.Model, features []*driftv1.Feature, rule *driftv1.DecisionRule) []string {
	var differences []string
	if monitor.GetModelId() != model.GetId() {
		differences = append(differences, "it watches another model than "+model.GetName())
	}
	have := make(map[string]*driftv1.Feature, len(monitor.GetFeatures()))
	for _, f := range monitor.GetFeatures() {
		have[f.GetName()] = f
	}
	for _, want := range features {
		f, ok := have[want.GetName()]
		delete(have, want.GetName())
		switch {
		case !ok:
			differences = append(differences, want.GetName()+" is not one of its features")
		case f.GetType() != want.GetType():
			differences = append(differences, fmt.Sprintf("%s is %s there and %s here", want.GetName(), typeName(f.GetType()), typeName(want.GetType())))
		case !sameTests(f.GetTests(), want.GetTests()):
			differences = append(differences, want.GetName()+" has other tests or smallest effects")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(have)) {
		differences = append(differences, "it also watches "+name)
	}
	merged := proto.CloneOf(monitor.GetRule())
	if merged == nil {
		merged = &driftv1.DecisionRule{}
	}
	proto.Merge(merged, rule)
	if !proto.Equal(merged, monitor.GetRule()) && proto.Size(rule) > 0 {
		differences = append(differences, "its decision rule is another")
	}
	return differences
}

// sameTests reports whether the tests asked for are the monitor's. The missing-rate test, which always runs, may stand there unasked, and
// an effect or a convention that was not asked for is the monitor's own.
func sameTests(have, want []*driftv1.TestSetting) bool {
	if len(want) == 0 {
		return true
	}
	missing := func(s *driftv1.TestSetting) bool { return s.GetTest() == driftv1.DriftTest_DRIFT_TEST_MISSING_RATE }
	have = slices.Clone(have)
	if !slices.ContainsFunc(want, missing) {
		have = slices.DeleteFunc(have, missing)
	}
	for _, w := range want {
		i := slices.IndexFunc(have, func(h *driftv1.TestSetting) bool {
			return h.GetTest() == w.GetTest() && (w.MinEffect == nil || w.GetMinEffect() == h.GetMinEffect()) &&
				(w.GetConvention() == "" || w.GetConvention() == h.GetConvention())
		})
		if i < 0 {
			return false
		}
		have = slices.Delete(have, i, i+1)
	}
	return len(have) == 0
}

func typeName(t driftv1.FeatureType) string {
	return strings.ToLower(enum(t.String(), "FEATURE_TYPE_"))
}
