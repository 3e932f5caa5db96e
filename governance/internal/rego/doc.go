// Package rego compiles and evaluates the Rego of tenants inside a sandbox. It owns what a policy may do and how long it may take: the
// capability profile, the limits on sources, inputs, values and results, the bounded pools, the deadline and the quarantine. It knows neither
// where policies are stored nor what an answer is used for.
//
// A context deadline does not bound OPA: its evaluator looks for cancellation between expressions only, so one call of a builtin
// function, or one comparison of two values, runs to its end. And Go cannot recover from a goroutine that exhausts its stack, which a
// comparison of two nested values can do. Five layers together bound what one tenant can cost:
//
//   - Builtins are an allow-list ([profile]); those whose cost can grow beyond the size of their operands are refused, or guarded: the
//     guard looks at the operands first ([guard]).
//   - No value may outgrow [maxNodes] and [maxText] counted as a tree. Without that, a chain of `x1 := [x0, x0]` makes values whose
//     comparison or printing takes for ever, in a few bytes of memory. The compiler adds the checks ([instrument]).
//   - The same trick on types would keep the type checker busy for ever: [boundTypes] refuses such modules beforehand.
//   - Sources, inputs and results are capped.
//   - Compilations and evaluations run in goroutines of a pool that is bounded per tenant and overall. The caller gets its answer at the
//     deadline; a goroutine that is still busy keeps its tenant's slot until it ends; a version that overruns repeatedly is quarantined.
package rego
