// Writes moa.json: where MOA's detectors find drifts and warn, on the streams of streams.json (see golden.py). With Java 17, and on the class path MOA 2024.07.0
// (nz.ac.waikato.cms.moa:moa), javacliparser 0.5.0, sizeofag 1.1.0 and weka-dev 3.9.6, which it needs:
//
//   java -cp "$MOA_CLASSPATH" drift/internal/detect/stream/testdata/MoaGolden.java drift/internal/detect/stream/testdata
//
// Only increases are looked for where MOA offers both, as it resets at decreases without reporting them. "parameters" are those of the Go detectors that
// stand for MOA's defaults.

import java.nio.file.*;
import java.util.*;
import java.util.regex.*;
import moa.classifiers.core.driftdetection.*;

public class MoaGolden {
    static final String[] BINARY = {"abrupt", "gradual", "stationary", "falling", "perfect", "failing", "long", "rare", "even"};
    static final String[] REAL = {"abrupt", "gradual", "stationary", "falling", "perfect", "failing", "long", "rare", "even", "unit", "wide", "scale", "steps", "river"};
    // MOA's STEPD finds drifts where there are hardly any errors, or nothing else: see the Go one.
    static final String[] MIXED = {"abrupt", "gradual", "stationary", "falling", "even"};
    static final List<String> ROWS = new ArrayList<>();

    interface Maker { AbstractChangeDetector make(); }

    static double[] values(String spec) {
        Matcher listed = Pattern.compile("\"listed\": \"([0-9]+)\"").matcher(spec);
        if (listed.find()) return listed.group(1).chars().mapToDouble(c -> c - '0').toArray();
        Matcher seed = Pattern.compile("\"seed\": ([0-9]+)").matcher(spec);
        seed.find();
        long state = Long.parseLong(seed.group(1));
        boolean errors = spec.contains("\"kind\": \"errors\"");
        List<Double> out = new ArrayList<>();
        Matcher segment = Pattern.compile("\\[([0-9]+), ([-0-9.]+), ([-0-9.]+)\\]").matcher(spec);
        while (segment.find()) {
            double low = Double.parseDouble(segment.group(2)), high = Double.parseDouble(segment.group(3));
            for (int i = Integer.parseInt(segment.group(1)); i > 0; i--) {
                state += 0x9E3779B97F4A7C15L;
                long z = state;
                z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
                z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
                z ^= z >>> 31;
                double v = (z >>> 11) * 0x1p-53;
                out.add(errors ? (v < low ? 1.0 : 0.0) : low + (high - low) * v);
            }
        }
        return out.stream().mapToDouble(Double::doubleValue).toArray();
    }

    static void row(String kind, String convention, String stream, String parameters, List<Integer> drifts, List<int[]> warnings) {
        StringJoiner zones = new StringJoiner(",", "[", "]");
        for (int[] w : warnings) zones.add("[" + w[0] + "," + w[1] + "]");
        ROWS.add(String.format("  {\"kind\":\"%s\",\"convention\":\"%s\",\"stream\":\"%s\",\"parameters\":{%s},\"drifts\":%s,\"warnings\":%s}",
            kind, convention, stream, parameters, drifts.toString().replace(" ", ""), zones));
    }

    static void run(Map<String, double[]> streams, String[] names, String kind, String convention, String parameters, Maker maker) {
        for (String name : names) {
            AbstractChangeDetector d = maker.make();
            List<Integer> drifts = new ArrayList<>();
            List<int[]> warnings = new ArrayList<>();
            double[] x = streams.get(name);
            for (int i = 0; i < x.length; i++) {
                d.input(x[i]);
                if (d.getChange()) drifts.add(i);
                else if (d.getWarningZone()) {
                    int[] last = warnings.isEmpty() ? null : warnings.get(warnings.size() - 1);
                    if (last != null && last[1] == i - 1) last[1] = i;
                    else warnings.add(new int[] {i, i});
                }
            }
            row(kind, convention, name, parameters, drifts, warnings);
        }
    }

    // ADWIN itself, without the class around it that hides decreases.
    static void adwin(Map<String, double[]> streams, int clock) {
        for (String name : REAL) {
            ADWIN d = new ADWIN(clock);
            List<Integer> drifts = new ArrayList<>();
            double[] x = streams.get(name);
            for (int i = 0; i < x.length; i++) if (d.setInput(x[i])) drifts.add(i);
            row("ADWIN", "adwin/moa", name, "\"clock\":" + clock, drifts, List.of());
        }
    }

    public static void main(String[] args) throws Exception {
        Path here = Path.of(args[0]);
        Map<String, double[]> streams = new LinkedHashMap<>();
        for (String line : Files.readAllLines(here.resolve("streams.json"))) {
            Matcher m = Pattern.compile("^  \"([a-z]+)\": (.*)$").matcher(line);
            if (m.find()) streams.put(m.group(1), values(m.group(2)));
        }
        adwin(streams, 32);
        adwin(streams, 1);
        run(streams, BINARY, "DDM", "ddm/river", "\"warm_start\":28", DDM::new);
        run(streams, BINARY, "EDDM", "eddm/moa", "", EDDM::new);
        run(streams, BINARY, "RDDM", "rddm/moa", "", RDDM::new);
        run(streams, BINARY, "RDDM", "rddm/moa", "\"max_concept\":1000,\"min_concept\":300,\"warning_limit\":80", () -> {
            RDDM d = new RDDM();
            d.maxSizeConceptOption.setValue(1000);
            d.minSizeStableConceptOption.setValue(300);
            d.warnLimitOption.setValue(80);
            return d;
        });
        String[] unit = Arrays.copyOf(BINARY, BINARY.length + 1);
        unit[BINARY.length] = "unit";
        run(streams, unit, "HDDM_A", "hddm-a/river", "", () -> {
            HDDM_A_Test d = new HDDM_A_Test();
            d.oneSidedTestOption.setChosenIndex(0);
            return d;
        });
        run(streams, unit, "HDDM_W", "hddm-w/moa", "", HDDM_W_Test::new);
        run(streams, MIXED, "STEPD", "stepd/moa", "", STEPD::new);
        run(streams, REAL, "PAGE_HINKLEY", "page-hinkley/moa", "", PageHinkleyDM::new);
        run(streams, REAL, "PAGE_HINKLEY", "page-hinkley/moa", "\"threshold\":10,\"delta\":0.05", () -> {
            PageHinkleyDM d = new PageHinkleyDM();
            d.lambdaOption.setValue(10);
            d.deltaOption.setValue(0.05);
            return d;
        });
        run(streams, REAL, "CUSUM", "cusum/moa", "", CusumDM::new);
        run(streams, REAL, "CUSUM", "cusum/moa", "\"threshold\":10,\"delta\":0.05", () -> {
            CusumDM d = new CusumDM();
            d.lambdaOption.setValue(10);
            d.deltaOption.setValue(0.05);
            return d;
        });
        run(streams, BINARY, "ECDD", "ecdd/moa", "", EWMAChartDM::new);
        Files.writeString(here.resolve("moa.json"), "{\"moa\": \"2024.07.0\",\n\"cases\": [\n" + String.join(",\n", ROWS) + "\n]}\n");
    }
}
