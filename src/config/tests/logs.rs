//! Where log lines go.

use std::path::Path;

use super::*;
use crate::telemetry::{LogFiles, Rotation};

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
fn all_of_a_service_is_in_one_folder_of_the_machine() {
    let given = Given::nothing().variable("PROGRAMDATA", "/shared");
    let home = given.surroundings.service_home();
    assert_eq!(home, Path::new("/shared").join("citrix-odata-proxy"));
    let service = Surroundings::of_service(home.clone());
    assert_eq!(service.places(), [home.join("citrix-odata-proxy.toml")]);
    assert_eq!(service.data_folder, home.join("data"));
    assert_eq!(service.log_folder, Some(home.join("logs")));
}
