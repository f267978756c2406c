//! Where log lines go.

use std::path::Path;

use super::*;
use crate::telemetry::{LogFiles, Rotation, TRACES_BUILT_IN};

fn files(given: &Given) -> Option<LogFiles> {
    given.load().config.log.files
}

#[test]
fn there_are_log_files_where_a_folder_is_named() {
    let given = Given::sound("[log]\nfolder = 'logs'\nrotate = 'hourly'\nkeep = 48");
    let expected = LogFiles {
        folder: given.folder.path().join("logs"),
        rotation: Rotation::Hourly,
        keep: 48,
    };
    assert_eq!(files(&given), Some(expected));
    assert_eq!(files(&Given::sound("")), None);
}

#[test]
fn a_service_has_log_files_anyway() {
    let mut given = Given::sound("");
    given.surroundings.log_folder = Some(PathBuf::from("/shared/logs"));
    let files = files(&given).unwrap();
    assert_eq!(files.folder, PathBuf::from("/shared/logs"));
    assert_eq!((files.rotation, files.keep), (Rotation::Daily, 14));
}

#[test]
fn one_file_is_too_few() {
    let problems = Given::sound("[log]\nkeep = 1").problems();
    assert!(problems.contains("log.keep"), "{problems}");
    assert!(
        problems.contains("a whole number from 2 to 10000"),
        "{problems}"
    );
}

#[test]
fn traces_go_to_an_address_and_a_program_without_them_says_so() {
    for (written, address) in [
        ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
        (
            "https://otel.example.com/",
            "https://otel.example.com/v1/traces",
        ),
        (
            "http://otel.example.com:4318/v1/traces",
            "http://otel.example.com:4318/v1/traces",
        ),
        (
            "https://example.com/otlp/v1/traces",
            "https://example.com/otlp/v1/traces",
        ),
    ] {
        let given = Given::sound(&format!("[log]\ntraces = '{written}'"));
        if TRACES_BUILT_IN {
            let traces = given.load().config.log.traces;
            assert_eq!(traces.map(String::from).as_deref(), Some(address));
        } else {
            let problems = given.problems();
            assert!(problems.contains("log.traces"), "{problems}");
            assert!(problems.contains("--features otel"), "{problems}");
        }
    }
    assert_eq!(Given::sound("").load().config.log.traces, None);
}

#[test]
fn no_secret_is_put_into_the_address_of_a_collector() {
    for (written, problem) in [
        ("otel.example.com:4318", "this is not an address"),
        ("grpc://127.0.0.1:4317", "is not supported"),
        ("http://ada:hunter2@127.0.0.1:4318", "user name or password"),
        ("http://127.0.0.1:4318/?token=hunter2", "query or fragment"),
    ] {
        let problems = Given::sound(&format!("[log]\ntraces = '{written}'")).problems();
        assert!(problems.contains(problem), "{written}: {problems}");
        assert!(!problems.contains("hunter2"), "{problems}");
    }
}

#[test]
fn all_of_a_service_is_in_one_folder_of_the_machine() {
    let given = Given::nothing().variable("PROGRAMDATA", "/shared");
    let home = given.surroundings.service_home();
    assert_eq!(home, Path::new("/shared").join("citrix-odata-proxy"));
    let service = Surroundings::of_service(home.clone());
    assert_eq!(service.places(), [home.join("citrix-odata-proxy.toml")]);
    assert_eq!(service.data_folder, home.join("data"));
    assert_eq!(service.log_folder, Some(home.join("logs")));
}
