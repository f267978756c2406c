//! Answers on disk from one process to the next, however the first one ended.

use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::hash::{BuildHasher, Hasher};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use futures_util::future::{join, join_all};
use tempfile::TempDir;
use tokio::task::yield_now;
use tokio::time::{sleep, timeout};

use crate::process::{Program, Running};
use crate::wire::{self, Reply, Wire};

/// A proxy with its files in this folder, and so little memory that whole tables are too large for it.
async fn proxy(simulator: &Running, folder: &Path) -> Running {
    Program::serve(&simulator.endpoint())
        .set("cache.memory", "128KiB")
        .arguments(&["--data-dir", folder.to_str().unwrap()])
        .start()
        .await
}

/// A body without the address of who sent it.
fn body(reply: &Reply, address: SocketAddr) -> String {
    assert_eq!(reply.status(), 200, "{}", reply.text());
    reply.text().replace(&address.to_string(), "here")
}

fn is_hit(reply: &Reply) -> bool {
    let status = reply.header("cache-status").unwrap_or_default();
    status.contains("; hit")
}

#[cfg(unix)]
#[tokio::test]
async fn a_restart_keeps_answers() {
    let simulator = Program::simulate(&["--sessions", "300"]).start().await;
    let folder = TempDir::new().unwrap();
    let paths = ["Users?$top=3", "Machines", "Sessions", "$metadata"];
    let mut before = Vec::new();
    for (round, hits) in [false, true, true].into_iter().enumerate() {
        let proxy = proxy(&simulator, folder.path()).await;
        let mut bodies = Vec::new();
        for path in paths {
            let path = format!("/monitorodata/{path}");
            let reply = Wire::try_get(proxy.address, &path).await.unwrap();
            assert_eq!(is_hit(&reply), hits, "{path} in round {round}");
            bodies.push(body(&reply, proxy.address));
        }
        proxy.signal("TERM").await;
        let ended = proxy.ended().await;
        assert_eq!(ended.code, Some(0), "{}", ended.everything());
        assert!(!ended.stderr.contains("WARN"), "{}", ended.stderr);
        if round == 0 {
            before = bodies;
        } else {
            assert!(bodies == before, "round {round}");
        }
    }
    // Others do not see them: what a client may see depends on who it is.
    let other = Program::serve(&simulator.endpoint())
        .set("sets.deny", "Machines")
        .arguments(&["--data-dir", folder.path().to_str().unwrap()])
        .start()
        .await;
    let reply = wire::get(other.address, "/monitorodata/$metadata").await;
    let names = |set: &str| reply.text().contains(&format!("EntitySet Name=\"{set}\""));
    assert!(names("Users") && !names("Machines"), "{}", reply.text());
}

#[tokio::test]
async fn the_second_process_says_so() {
    let simulator = Program::simulate(&["--sessions", "10"]).start().await;
    let folder = TempDir::new().unwrap();
    let first = proxy(&simulator, folder.path()).await;
    let second = Program::serve(&simulator.endpoint())
        .arguments(&["--data-dir", folder.path().to_str().unwrap()])
        .run()
        .await;
    assert_eq!(second.code, Some(1), "{}", second.everything());
    for said in [folder.path().to_str().unwrap(), "--data-dir"] {
        assert!(second.stderr.contains(said), "{}", second.stderr);
    }
    assert_eq!(second.stdout, "");
    // However the first one ends, the folder is free then.
    first.killed().await;
    let third = proxy(&simulator, folder.path()).await;
    let health = wire::get(third.address, "/healthz").await;
    assert_eq!(health.status(), 200);
}

#[tokio::test]
async fn a_data_folder_that_cannot_be_written_is_done_without() {
    let simulator = Program::simulate(&["--sessions", "10"]).start().await;
    let folder = TempDir::new().unwrap();
    let occupied = folder.path().join("occupied");
    std::fs::write(&occupied, "").unwrap();
    let proxy = proxy(&simulator, &occupied).await;
    for hit in [false, true] {
        let reply = wire::get(proxy.address, "/monitorodata/Users?$top=3").await;
        assert_eq!((reply.rows().len(), is_hit(&reply)), (3, hit));
    }
    proxy.says("answers are stored in memory only").await;
}

/// Names of the files of stored answers.
#[cfg(unix)]
fn files(folder: &Path) -> Vec<String> {
    let files = std::fs::read_dir(folder.join("cache/answers")).unwrap();
    let names = files.map(|file| file.unwrap().file_name().to_string_lossy().into_owned());
    names.collect()
}

#[cfg(unix)]
#[tokio::test]
async fn a_disk_that_is_full_in_the_middle_of_a_write_is_done_without() {
    let simulator = Program::simulate(&["--sessions", "3000"]).start().await;
    let folder = TempDir::new().unwrap();
    let proxy = Program::serve(&simulator.endpoint())
        .arguments(&["--data-dir", folder.path().to_str().unwrap()])
        .files_of_at_most(64)
        .start()
        .await;
    let ask = async |path: &str| {
        let reply = Wire::try_get(proxy.address, &format!("/monitorodata/{path}")).await;
        reply.unwrap()
    };
    let whole = ask("Sessions").await;
    assert_eq!((whole.status(), whole.rows().len()), (200, 3000));
    proxy.says("WARN").await;
    // Not on disk, but in memory.
    let again = ask("Sessions").await;
    assert!(is_hit(&again) && again.rows() == whole.rows());
    assert_eq!(files(folder.path()), [""; 0], "nor is half of it left");
    assert_eq!(ask("Users?$top=3").await.status(), 200);
    proxy.signal("TERM").await;
    let ended = proxy.ended().await;
    assert_eq!(ended.code, Some(0), "{}", ended.everything());
}

/// A number from 0 to below `end`; the same seed gives the same numbers.
fn dice(seed: &mut u64, end: u64) -> u64 {
    *seed = seed
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    (*seed >> 33) % end
}

/// Questions of which none contains another one's answer; the first ones have answers that are too large for memory.
fn questions() -> Vec<String> {
    let tables = ["Sessions", "Machines"].map(|set| format!("/monitorodata/{set}"));
    let rows = (1..=30).map(|skip| format!("/monitorodata/Users?$skip={skip}&$top={skip}"));
    tables.into_iter().chain(rows).collect()
}

#[tokio::test]
async fn killed_in_the_middle_of_its_writing_it_serves_nothing_that_is_not_whole() {
    let mut seed = RandomState::new().build_hasher().finish();
    println!("seed {seed}");
    let simulator = Program::simulate(&["--sessions", "800"]).start().await;
    let questions = questions();
    let mut truth = BTreeMap::new();
    let reference = Program::serve(&simulator.endpoint()).start().await;
    for path in &questions {
        let reply = Wire::try_get(reference.address, path).await.unwrap();
        truth.insert(path, body(&reply, reference.address));
    }
    let folder = TempDir::new().unwrap();
    let (mut hits, mut whole, mut torn) = (0, 0, BTreeSet::new());
    for round in 0..KILLS {
        // At any time, or as soon as it writes: then there is something to write.
        let in_the_middle = dice(&mut seed, 2) == 0;
        if in_the_middle {
            drop(std::fs::remove_dir_all(folder.path().join("cache")));
        }
        let proxy = proxy(&simulator, folder.path()).await;
        let address = proxy.address;
        // Writing a table takes a moment.
        let mut is_asked = |path: &String| {
            if in_the_middle {
                *path == questions[0]
            } else {
                dice(&mut seed, 2) == 0
            }
        };
        let asked = questions.iter().filter(|path| is_asked(path));
        let asking = join_all(asked.map(async |path| (path, Wire::try_get(address, path).await)));
        let lives = Duration::from_millis(dice(&mut seed, LIVES_MAX));
        let killing = async {
            if in_the_middle {
                // A short file may be written between two looks.
                drop(timeout(LOOK_MAX, a_half_written_file(folder.path(), &torn)).await);
            } else {
                sleep(lives).await;
            }
            proxy.killed().await
        };
        let (replies, ended) = join(asking, killing).await;
        assert!(!ended.stderr.contains("ERROR"), "{}", ended.stderr);
        torn.extend(half_written(folder.path()));
        for (path, reply) in replies {
            let Some(reply) = reply else { continue };
            whole += 1;
            hits += u32::from(is_hit(&reply));
            let right = body(&reply, address) == truth[path];
            assert!(right, "{path} in round {round}: {}", reply.text());
        }
    }
    println!("{whole} answers were whole, {hits} of them from disk");
    println!("{} files were left half-written", torn.len());
    assert!(hits > 0 && whole > hits && !torn.is_empty());
}

/// Waits until an answer's file is being written that is not one of the `old` ones. Looks all the time, because that is done
/// in less than a millisecond.
async fn a_half_written_file(folder: &Path, old: &BTreeSet<OsString>) {
    while half_written(folder).is_subset(old) {
        yield_now().await;
    }
}

/// The names of files of answers that have not got their own name yet.
fn half_written(folder: &Path) -> BTreeSet<OsString> {
    // There is no folder at first.
    let Ok(files) = std::fs::read_dir(folder.join("cache/answers")) else {
        return BTreeSet::new();
    };
    let names = files.filter_map(|file| Some(file.ok()?.file_name()));
    names
        .filter(|name| name.to_string_lossy().ends_with(".new"))
        .collect()
}

const KILLS: u32 = 100;

/// How long to look for a file that is being written.
const LOOK_MAX: Duration = Duration::from_secs(2);

/// Milliseconds.
const LIVES_MAX: u64 = 150;
