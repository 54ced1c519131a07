//! The program as people use it, on a made-up price list whose prices are known to the last digit.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

const HEADER: &str = "cloud,region,country,instance_type,family,vcpu,base_vcpu,mem_gib,gpu,ngpu,local_ssd_gb,net_gbps,\
                      arch,cpu_vendor,shared,bare_metal,on_demand_usd_h,spot_usd_h,price_date";
const BENCHMARKS: &str = "cloud,instance_type,pm_single,stressng_full,cpu_model\n\
                          high,m1.x2,2000,2000,Intel Xeon\nhigh,c1.x2,2200,2400,AMD EPYC\n";
const GPUS: &str = "gpu,mem_gib,mem_bw_GBps,fp16_dense_tflops\nT4,16,300,65\n";

/// Providers with their level; regions with country and level; families with price per vCPU and per GiB, GiB per vCPU.
const PROVIDERS: [(&str, f64); 3] = [("high", 1.3), ("middle", 1.0), ("low", 0.7)];
const REGIONS: [(&str, &str, f64); 4] =
    [("east", "US", 1.0), ("west", "US", 1.02), ("north", "FI", 1.1), ("south", "BR", 1.4)];
const FAMILIES: [(&str, f64, f64, f64); 6] = [
    ("m1", 0.030, 0.004, 4.0),
    ("c1", 0.032, 0.004, 2.0),
    ("r1", 0.029, 0.004, 8.0),
    ("m2", 0.027, 0.0036, 4.0),
    ("c2", 0.029, 0.0036, 2.0),
    ("r2", 0.026, 0.0036, 8.0),
];

fn price_list() -> String {
    let mut text = format!("{HEADER}\n");
    for (provider, level) in PROVIDERS {
        for (region, country, place) in REGIONS {
            for (family, vcpu_price, gib_price, ratio) in FAMILIES {
                for vcpu in [1, 2, 4, 8, 16, 32] {
                    let gib = f64::from(vcpu) * ratio;
                    let price = level * place * (f64::from(vcpu) * vcpu_price + gib * gib_price);
                    let spot = price * 0.3;
                    writeln!(
                        text,
                        "{provider},{region},{country},{family}.x{vcpu},{family},{vcpu},{vcpu},{gib},,0,0,,amd64,intel,0,0,\
                         {price:.6},{spot:.6},2026-11-01"
                    )
                    .unwrap();
                }
            }
        }
    }
    text
}

/// A directory with the tables, and the program run in it.
struct Desk(TempDir);

impl Desk {
    fn new() -> Desk {
        let desk = Desk(tempfile::tempdir().unwrap());
        desk.put("prices.csv", price_list());
        desk.put("benchmarks.csv", BENCHMARKS);
        desk.put("gpus.csv", GPUS);
        desk
    }

    fn put(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn get(&self, name: &str) -> String {
        std::fs::read_to_string(self.0.path().join(name)).unwrap()
    }

    fn run(&self, arguments: &str) -> Output {
        let program = Path::new(env!("CARGO_BIN_EXE_hourbook-pricing"));
        Command::new(program).current_dir(self.0.path()).args(arguments.split(' ')).output().unwrap()
    }

    /// What it prints when all is well.
    fn told(&self, arguments: &str) -> String {
        let output = self.run(arguments);
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments}: {complaint}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// What it complains about when it is not.
    fn refused(&self, arguments: &str) -> String {
        let output = self.run(arguments);
        assert!(!output.status.success(), "{arguments}: was accepted");
        let complaint = String::from_utf8(output.stderr).unwrap();
        assert!(complaint.starts_with("error: ") && !complaint.contains("panicked"), "{complaint}");
        complaint
    }

    /// Rows of a table by their header.
    fn numbers(&self, name: &str, column: &str) -> Vec<f64> {
        let text = self.get(name);
        let at = text.lines().next().unwrap().split(',').position(|name| name == column).unwrap();
        text.lines().skip(1).map(|line| line.split(',').nth(at).unwrap().parse().unwrap()).collect()
    }
}

const FIT: &str = "fit --benchmarks benchmarks.csv --gpus gpus.csv --prices";
const PREDICT: &str =
    "predict --benchmarks benchmarks.csv --gpus gpus.csv --params params.toml --out out.csv --specs";

#[test]
fn prices_that_add_up_are_found_again() {
    let desk = Desk::new();
    for rule in ["A", "A2", "B"] {
        desk.told(&format!("split --prices prices.csv --rule {rule} --train train.csv --test test.csv"));
        let rows = desk.get("train.csv").lines().count() + desk.get("test.csv").lines().count();
        assert_eq!(rows, price_list().lines().count() + 1, "each row is on one side");
    }
    desk.told("split --prices prices.csv --rule A --train train.csv --test test.csv");
    desk.told(&format!("{FIT} train.csv --out params.toml --name made-up"));
    desk.told(&format!("{PREDICT} test.csv"));
    let figures = desk.told("eval --predictions out.csv --prices test.csv --json");
    let figures: serde_json::Value = serde_json::from_str(&figures).unwrap();
    assert!(figures["all"]["mdape"].as_f64().unwrap() < 1.0, "{figures}");
    assert_eq!(figures["gpu"]["n"], 0);
    assert!(figures["gpu"]["mdape"].is_null());
    assert_eq!(figures["all"]["n"], desk.get("test.csv").lines().count() - 1);
    assert_eq!(figures["clouds"].as_object().unwrap().len(), 3);
}

#[test]
fn predictions_add_up_and_have_intervals() {
    let desk = Desk::new();
    desk.told(&format!("{FIT} prices.csv --out params.toml"));
    let spec = |vcpu: u32, gib: u32| {
        format!("high,east,US,m1.new{vcpu},m1,{vcpu},{vcpu},{gib},,0,0,,amd64,intel,0,0,2026-11-01\n")
    };
    let header = HEADER.replace("on_demand_usd_h,spot_usd_h,", "");
    desk.put("specs.csv", format!("{header}\n{}{}{}", spec(3, 7), spec(5, 33), spec(8, 40)));
    desk.told(&format!("{PREDICT} specs.csv"));
    let text = desk.get("out.csv");
    assert!(text.starts_with(&format!("{header},price_usd_h,interval_low,interval_high\n")));
    let decimals: Vec<rust_decimal::Decimal> =
        text.lines().skip(1).map(|line| line.split(',').nth_back(2).unwrap().parse().unwrap()).collect();
    assert_eq!(decimals[0] + decimals[1], decimals[2], "to the last digit");
    let (prices, lows, highs) = (
        desk.numbers("out.csv", "price_usd_h"),
        desk.numbers("out.csv", "interval_low"),
        desk.numbers("out.csv", "interval_high"),
    );
    for at in 0..3 {
        assert!(0.0 < lows[at] && lows[at] <= prices[at] && prices[at] <= highs[at]);
    }
}

#[test]
fn a_new_provider_is_wide_and_comes_near_with_anchors() {
    let desk = Desk::new();
    desk.told(
        "split --prices prices.csv --rule cloud:low --train train.csv --test test.csv --anchors anchors.csv",
    );
    assert_eq!(desk.get("anchors.csv").lines().count(), 6);
    desk.told(&format!("{FIT} train.csv --out params.toml"));
    let error = |more: &str| {
        desk.told(&format!("{PREDICT} test.csv{more}"));
        let figures = desk.told("eval --predictions out.csv --prices test.csv --json");
        let figures: serde_json::Value = serde_json::from_str(&figures).unwrap();
        figures["all"]["mdape"].as_f64().unwrap()
    };
    let (without, with) = (error(""), error(" --anchors anchors.csv"));
    assert!(with < without / 2.0, "{without} without, {with} with");
}

#[test]
fn the_order_of_rows_makes_no_difference() {
    let desk = Desk::new();
    let list = price_list();
    let mut lines: Vec<&str> = list.lines().skip(1).collect();
    lines.reverse();
    lines.rotate_left(17);
    desk.put("turned.csv", format!("{HEADER}\n{}\n", lines.join("\n")));
    desk.told(&format!("{FIT} prices.csv --out one.toml"));
    desk.told(&format!("{FIT} turned.csv --out other.toml"));
    // All but the names and digests of the files.
    let fitted = |name: &str| {
        let text = desk.get(name);
        text.lines().filter(|line| !line.contains("sha256:")).map(String::from).collect::<Vec<_>>()
    };
    assert!(fitted("one.toml") == fitted("other.toml"), "the parameters differ");
}

#[test]
fn a_mistake_in_a_table_is_named_with_file_line_and_column() {
    let desk = Desk::new();
    let good = price_list();
    let first = good.lines().nth(1).unwrap();
    let with = |from: &str, to: &str| {
        format!("{HEADER}\n{}\n{first}\n", first.replacen(from, to, 1).replacen("m1.x1", "m1.y", 1))
    };
    let price = first.split(',').nth(16).unwrap();
    let table: Vec<(String, &str)> = vec![
        (String::new(), "bad.csv: line 1: the file is empty"),
        ("\n\n".into(), "bad.csv: line 1"),
        (good.replacen("mem_gib", "memory", 1), "bad.csv: line 1: no column \"mem_gib\""),
        (good.replacen("mem_gib", "vcpu", 1), "bad.csv: line 1: column \"vcpu\" stands there twice"),
        (with(price, "NaN"), "bad.csv: line 2, column \"on_demand_usd_h\": \"NaN\" is not a number"),
        (with(price, "inf"), "bad.csv: line 2, column \"on_demand_usd_h\": \"inf\" is not a number"),
        (with(price, "-1"), "bad.csv: line 2, column \"on_demand_usd_h\": -1 is not within"),
        (with(price, "0"), "bad.csv: line 2, column \"on_demand_usd_h\": 0 is not within"),
        (with(price, "1e300"), "bad.csv: line 2, column \"on_demand_usd_h\": 1e300 is not within"),
        (with(price, ""), "bad.csv: line 2, column \"on_demand_usd_h\": is empty"),
        (with(",1,1,4,", ",1,1,-4,"), "bad.csv: line 2, column \"mem_gib\": -4 is not within"),
        (with(",1,1,4,", ",1,1,1e9,"), "bad.csv: line 2, column \"mem_gib\""),
        (with(",0,0,", ",yes,0,"), "bad.csv: line 2, column"),
        (with("high,east", "hi|gh,east"), "bad.csv: line 2, column \"cloud\": has a |"),
        (with("high,east", ",east"), "bad.csv: line 2, column \"cloud\": is empty"),
        (format!("{good}{first}\n"), "column \"instance_type\": high, east, m1.x1 stood on line 2 already"),
        (format!("{HEADER}\nhigh,east\n"), "bad.csv: line 2: 2 columns where the header has 19"),
        (format!("{HEADER}\n"), "bad.csv: 0 rows; a fit takes 5 at least"),
    ];
    for (text, expected) in table {
        desk.put("bad.csv", &text);
        let found = desk.refused(&format!("{FIT} bad.csv --out params.toml"));
        assert!(found.contains(expected), "{expected}: {found}");
    }
    desk.put("bad.csv", [good.as_bytes(), b"low,\xff\xfe,US\n"].concat());
    assert!(desk.refused(&format!("{FIT} bad.csv --out params.toml")).contains("is not UTF-8"));
    desk.put("bad.csv", [b"\xff\xfe".as_slice(), &[b'c', 0, b'l', 0]].concat());
    assert!(desk.refused(&format!("{FIT} bad.csv --out params.toml")).contains("UTF-8"));
    assert!(
        desk.refused(&format!("{FIT} none.csv --out params.toml")).contains("none.csv: cannot be opened")
    );
    assert!(desk.refused(&format!("{FIT} prices.csv --out none/params.toml")).contains("cannot be written"));
    // A mark in front, and other line ends, are no mistakes.
    desk.put("marked.csv", format!("\u{feff}{}", good.replace('\n', "\r\n")));
    desk.told(&format!("{FIT} marked.csv --out params.toml"));
    let found = desk.refused("eval --predictions prices.csv --prices prices.csv --json");
    assert!(found.contains("prices.csv: line 1: no column \"price_usd_h\""), "{found}");
    assert!(
        desk.refused("split --prices prices.csv --rule cloud:none --train a --test b")
            .contains("no rows of cloud")
    );
}

#[test]
fn providers_are_scored_whatever_the_order_of_lines() {
    let desk = Desk::new();
    let lines = [
        r#"{"provider":"p","metric":"availability","time":"2026-11-20T08:00:00Z","good":1439,"total":1440}"#,
        r#"{"provider":"p","metric":"availability","time":"2026-11-20T09:00:00Z","good":1440,"total":1440,"id":"a"}"#,
        r#"{"provider":"p","metric":"latency_ms","time":"2026-11-20","value":"1.8"}"#,
        r#"{"provider":"q","metric":"latency_ms","time":"2026-11-20","value":900.5,"recorded":"2026-11-22"}"#,
    ];
    desk.put("one.jsonl", lines.join("\n"));
    desk.put("other.jsonl", [lines[3], lines[1], lines[2], lines[0]].join("\r\n"));
    let one = desk.told("score --observations one.jsonl --explain");
    assert_eq!(one, desk.told("score --observations other.jsonl --explain"));
    assert!(one.contains("as of the end of 2026-11-22"), "{one}");
    // Scores of one provider do not move because of another.
    desk.put("alone.jsonl", lines[..3].join("\n"));
    let alone = desk.told("score --observations alone.jsonl --as-of 2026-11-22");
    let row = |text: &str| text.lines().find(|line| line.starts_with("p ")).unwrap().to_string();
    assert_eq!(row(&one), row(&alone));
}

#[test]
fn a_mistake_in_a_measurement_is_named() {
    let desk = Desk::new();
    let good = r#"{"provider":"p","metric":"availability","time":"2026-11-20","good":1,"total":1,"id":"a"}"#;
    for (from, to, expected) in [
        ("\"good\":1", "\"good\":2", "bad.jsonl: line 2: observation of availability: 2 successes"),
        ("\"good\":1", "\"good\":\"NaN\"", "line 2, field \"good\": \"NaN\" is not a decimal"),
        ("\"good\":1", "\"good\":NaN", "line 2, column"),
        ("\"good\":1,", "", "line 2, field \"good\": availability is told by good and total"),
        ("availability", "mood", "line 2, field \"metric\": \"mood\" is not one of"),
        ("2026-11-20", "20.11.2026", "line 2, field \"time\""),
        ("\"provider\":\"p\",", "", "line 2, field \"provider\": is missing"),
        ("\"id\":\"a\"", "\"ID\":\"b\"", "line 2, field \"ID\": is not known"),
        ("", "", "line 2, field \"id\": \"a\" stood on an earlier line"),
        ("{", "", "line 2, column"),
    ] {
        desk.put("bad.jsonl", format!("{good}\n{}\n", good.replacen(from, to, 1)));
        let found = desk.refused("score --observations bad.jsonl");
        assert!(found.contains(expected), "{expected}: {found}");
    }
    desk.put("bad.jsonl", "");
    assert!(desk.refused("score --observations bad.jsonl").contains("no measurements"));
    desk.put("bad.jsonl", b"\xff\xfe\n");
    assert!(desk.refused("score --observations bad.jsonl").contains("line 1"));
}

#[test]
fn quotes_and_pictures_need_no_data() {
    let desk = Desk::new();
    let quote = desk.told("quote GP.CNNM.A --explain");
    for part in
        ["fair  ", "bid ", "ask ", "alicloud cn-huhehaote ecs.g6", "half spread, fee", "parameters 2026-11"]
    {
        assert!(quote.contains(part), "{part}: {quote}");
    }
    assert!(desk.told("quote GP.CNNM.A --inventory 0").contains("withheld: nothing is held"));
    assert!(desk.refused("quote GP.CNNM.D").contains("tier \"D\" is not A, B or C"));
    assert!(desk.refused("quote GP.MARS.A").contains("MARS"));
    desk.told("report --out pictures");
    for name in ["predicted-against-actual", "error-by-family", "score-history", "quote-ladder"] {
        let picture = desk.get(&format!("pictures/{name}.svg"));
        assert!(
            picture.starts_with("<svg ") && picture.ends_with("</svg>\n") && !picture.contains("NaN"),
            "{name}"
        );
    }
}
