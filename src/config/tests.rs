//! The settings file that is shipped is the defaults; flags stand before it; mistakes are named.

use expect_test::{Expect, expect};

use super::{Config, File, Flags, Resolution};
use crate::settings;

const SHIPPED: &str = include_str!("../../deploy/hourbook.toml");

fn resolve(text: &str, flags: &Flags) -> Result<Config, settings::Error> {
    let file: File = settings::read("h.toml", text)?;
    Resolution { name: "h.toml", file, flags }.config()
}

fn check_mistakes(texts: &[&str], expected: Expect) {
    let mut messages = String::new();
    for text in texts {
        messages += &format!("{}\n", resolve(text, &Flags::default()).expect_err(text));
    }
    expected.assert_eq(&messages);
}

#[test]
fn the_file_that_is_shipped_holds_every_key_at_its_default() {
    let shipped: File = settings::read("deploy/hourbook.toml", SHIPPED).unwrap();
    assert_eq!(shipped, File::default());
    expect![[r#"
        Config {
            data: "data",
            listen: 127.0.0.1:7070,
            metrics: Some(
                127.0.0.1:7071,
            ),
            market: None,
            tls: None,
            journal: Journal {
                queue_commands: 65536,
                snapshot_commands: 8000000,
                segment_bytes: 67108864,
                reserve_bytes: 268435456,
            },
            pricing: Pricing {
                params: None,
                references: true,
            },
            limits: Limits {
                connections: 4096,
                connections_per_address: 1024,
                sessions: 4096,
                streams_per_participant: 256,
                subscriptions: 4096,
                subscription_buffer_bytes: 4194304,
                streams_per_connection: 256,
                message_bytes: 1048576,
                header_list_bytes: 16384,
                batch_commands: 1000,
                idle: 300s,
                heartbeat: 5s,
                silence: 15s,
            },
            log: Log {
                filter: "info",
                format: Text,
            },
            drain: 10s,
            awake: false,
        }
    "#]]
    .assert_debug_eq(&resolve("", &Flags::default()).unwrap());
    // A key that the file lacks would be absent from this list of keys.
    let keys = |table: &toml::Table| {
        let mut keys = Vec::new();
        for (key, value) in table {
            match value {
                toml::Value::Table(inner) => keys.extend(inner.keys().map(|inner| format!("{key}.{inner}"))),
                _ => keys.push(key.clone()),
            }
        }
        keys.join(" ")
    };
    expect!["awake data drain journal.queue_commands journal.reserve journal.segment journal.snapshot_commands limits.batch_commands limits.connections limits.connections_per_address limits.header_list limits.heartbeat limits.idle limits.message limits.sessions limits.silence limits.streams_per_connection limits.streams_per_participant limits.subscription_buffer limits.subscriptions listen log.filter log.format market metrics metrics_public pricing.params pricing.references tls.certificate tls.development tls.key"].assert_eq(&keys(&SHIPPED.parse().unwrap()));
}

#[test]
fn flags_stand_before_the_file() {
    let text = "data = \"/var/lib/a\"\nlisten = \"127.0.0.1:1\"\n[log]\nformat = \"json\"\n";
    let flags = Flags {
        data: Some("/var/lib/b".into()),
        metrics: Some("none".into()),
        tls_development: true,
        ..Flags::default()
    };
    let config = resolve(text, &flags).unwrap();
    assert!(!config.awake);
    assert!(resolve("awake = true", &Flags::default()).unwrap().awake, "by the file");
    assert!(resolve(text, &Flags { awake: true, ..Flags::default() }).unwrap().awake, "by the flag");
    let seen = (config.data, config.listen, config.metrics, config.tls, config.log.format);
    expect![[r#"
        (
            "/var/lib/b",
            127.0.0.1:1,
            None,
            Development,
            Json,
        )
    "#]]
    .assert_debug_eq(&seen);
}

#[test]
fn an_address_that_others_can_reach_needs_tls() {
    let open = "listen = \"0.0.0.0:7070\"\n";
    check_mistakes(
        &[open, "listen = \"[::]:7070\""],
        expect![[r#"
        h.toml: listen: 0.0.0.0:7070 can be reached by others: set tls.certificate and tls.key, or tls.development to try
        h.toml: listen: [::]:7070 can be reached by others: set tls.certificate and tls.key, or tls.development to try
    "#]],
    );
    assert!(resolve(&format!("{open}tls.development = true"), &Flags::default()).is_ok());
    let files = "tls = { certificate = \"a.crt\", key = \"a.key\" }";
    assert!(resolve(&format!("{open}{files}"), &Flags::default()).is_ok());
}

#[test]
fn figures_that_others_can_reach_must_be_meant() {
    let open = "metrics = \"0.0.0.0:7071\"\n";
    check_mistakes(
        &[open],
        expect![[r#"
        h.toml: metrics: 0.0.0.0:7071 can be reached by others, in plain HTTP: set metrics_public where that is meant
    "#]],
    );
    assert!(resolve(&format!("{open}metrics_public = true"), &Flags::default()).is_ok());
    assert!(resolve(open, &Flags { metrics_public: true, ..Flags::default() }).is_ok());
}

#[test]
fn a_wrong_key_or_value_is_named() {
    check_mistakes(
        &[
            "dat = \"x\"",
            "listen = \"localhost\"",
            "metrics = \"off\"",
            "drain = \"1h\"",
            "journal = { queue_commands = 1 }",
            "journal = { segment = \"64 MB\" }",
            "limits = { message = 1048576 }",
            "limits.batch = 5",
            "limits = { heartbeat = \"10s\" }",
            "log = { format = \"xml\" }",
            "tls = { certificate = \"a.crt\" }",
            "tls = { key = \"a.key\" }",
            "tls = { certificate = \"a.crt\", key = \"a.key\", development = true }",
        ],
        expect![[r#"
            h.toml: dat: unknown field `dat`, expected one of `data`, `listen`, `metrics`, `metrics_public`, `market`, `drain`, `awake`, `tls`, `journal`, `pricing`, `limits`, `log`
            h.toml: listen: `localhost` is not an IP address and a port, such as 127.0.0.1:7070
            h.toml: metrics: `off` is not an IP address and a port, such as 127.0.0.1:7070
            h.toml: drain: `1h` is not a whole number of s, m, h or d from "0s" to "10m"
            h.toml: journal.queue_commands: `1` is not a whole number from 64 to 16777216
            h.toml: journal.segment: `64 MB` is not a whole number of B, KiB, MiB or GiB from "1 MiB" to "16 GiB"
            h.toml: limits.message: invalid type: integer `1048576`, expected a whole number of B, KiB, MiB or GiB from "1 KiB" to "64 MiB"
            h.toml: limits.batch: unknown field `batch`, expected one of `connections`, `connections_per_address`, `sessions`, `streams_per_participant`, `subscriptions`, `subscription_buffer`, `streams_per_connection`, `message`, `header_list`, `batch_commands`, `idle`, `heartbeat`, `silence`
            h.toml: limits.silence: must be at least twice limits.heartbeat
            h.toml: log.format: unknown variant `xml`, expected `text` or `json`
            h.toml: tls.key: is missing where tls.certificate is given
            h.toml: tls.certificate: is missing where tls.key is given
            h.toml: tls.development: cannot be true where tls.certificate or tls.key is given
        "#]],
    );
}

#[test]
fn the_flags_of_serve_are_well_formed() {
    <Flags as clap::Args>::augment_args(clap::Command::new("serve")).debug_assert();
}
