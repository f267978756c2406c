//! The questions of a guided set-up, and the way back to the answer that was wrong.

use std::path::PathBuf;

use secrecy::SecretString;

use super::answers::{Answers, CLIENT_ID, CUSTOMER_ID, Given, LISTEN, Place, REGION, judge};
use super::plan::{DEFAULT_PORT, Plan};
use super::rights::Rights;
use crate::check::{Report, Suspect};
use crate::commands::Failure;
use crate::commands::terminal::{Prompter, Verdict};
use crate::keystore::{Keystore, KeystoreError};

/// Trying answers out.
pub(super) trait Trial {
    /// What came of it; `None` when nobody wants to know.
    fn run(&mut self, answers: &Answers) -> Result<Option<Report>, Failure>;
}

/// Asks for whatever is not given, tries it out, and goes back to what was wrong until it works or nobody minds.
pub(super) fn guide(
    person: &mut dyn Prompter,
    given: Given,
    force: bool,
    keystore: &dyn Keystore,
    trial: &mut dyn Trial,
) -> Result<Answers, Failure> {
    let mut answers = first_answers(person, given, force, keystore)?;
    loop {
        person.say("")?;
        let report = match trial.run(&answers)? {
            Some(report) if !report.ok() => report,
            _ => return Ok(answers),
        };
        if !again(person, &mut answers, report.suspect())? {
            return Ok(answers);
        }
    }
}

fn first_answers(
    person: &mut dyn Prompter,
    mut given: Given,
    force: bool,
    keystore: &dyn Keystore,
) -> Result<Answers, Failure> {
    person.say(INTRODUCTION)?;
    let customer_id = given.customer_id.take();
    given.customer_id = Some(customer_id.map_or_else(|| ask_customer(person, None), Ok)?);
    let region = given.region.take();
    given.region = Some(region.map_or_else(|| ask_region(person, "us"), Ok)?);
    let client_id = given.client_id.take();
    given.client_id = Some(client_id.map_or_else(|| ask_client(person, None), Ok)?);
    let secret = given.secret.take();
    let secret = secret.map_or_else(|| ask_secret(person), Ok)?;
    let place = match given.place.take() {
        Some(place) => place,
        None => ask_place(person, given.client_id(), keystore)?,
    };
    if given.listen.is_none() {
        given.listen = ask_port(person)?;
    }
    let asked_for = given.file.is_some();
    let mut answers = given.into_answers(secret, place);
    if !asked_for {
        answers.file = ask_file(person, &answers)?;
    }
    while !force && !may_replace(person, &answers)? {
        answers.file = ask_file(person, &answers)?;
    }
    Ok(answers)
}

/// Goes back to the answers that the person doubts; `false` when the answers shall be written as they are.
fn again(
    person: &mut dyn Prompter,
    answers: &mut Answers,
    suspect: Option<Suspect>,
) -> Result<bool, Failure> {
    person.say(NEXT)?;
    let likely = match suspect {
        Some(Suspect::Client) => "secret",
        Some(Suspect::Customer) => "customer",
        None => "again",
    };
    let words = ["secret", "client", "customer", "again", "write", "stop"];
    match &*choose(person, "What next", &words, likely)? {
        "secret" => answers.secret = replaced(person, &mut answers.place)?,
        "client" => {
            answers.client_id = ask_client(person, Some(&answers.client_id))?;
            answers.secret = replaced(person, &mut answers.place)?;
        }
        "customer" => {
            answers.customer_id = ask_customer(person, Some(&answers.customer_id))?;
            answers.region = ask_region(person, &answers.region)?;
        }
        "write" => return Ok(false),
        "stop" => return Err(Failure::Stopped),
        _ => {}
    }
    Ok(true)
}

/// Another secret. A file that was named holds the one before, so the new one goes into a file of ours.
fn replaced(person: &mut dyn Prompter, place: &mut Place) -> Result<SecretString, Failure> {
    let secret = ask_secret(person)?;
    if let Place::There(_) = place {
        *place = Place::File;
    }
    Ok(secret)
}

fn ask_customer(person: &mut dyn Prompter, before: Option<&str>) -> Result<String, Failure> {
    person.line("Customer id", before, &|id| judge(CUSTOMER_ID, id))
}

fn ask_region(person: &mut dyn Prompter, before: &str) -> Result<String, Failure> {
    let question = "Region of the account (us, eu, ap-s, jp)";
    let region = person.line(question, Some(before), &|region| judge(REGION, region))?;
    Ok(region.to_ascii_lowercase())
}

fn ask_client(person: &mut dyn Prompter, before: Option<&str>) -> Result<String, Failure> {
    person.line("Client id", before, &|id| judge(CLIENT_ID, id))
}

fn ask_secret(person: &mut dyn Prompter) -> Result<SecretString, Failure> {
    person.hidden("Client secret")
}

fn ask_place(
    person: &mut dyn Prompter,
    client_id: &str,
    keystore: &dyn Keystore,
) -> Result<Place, Failure> {
    if let Err(error) = keystore.read(client_id) {
        return other_place(person, &error);
    }
    person.say(&format!("\n{KEYRING}\n{}", places(Rights::HERE)))?;
    let words = ["keyring", "file", "environment"];
    let place = choose(person, PLACE, &words, "keyring")?;
    Ok(match &*place {
        "keyring" => Place::Keystore,
        "environment" => Place::Environment,
        _ => Place::File,
    })
}

/// Where to keep the secret when the credential store cannot be used.
pub(super) fn other_place(
    person: &mut dyn Prompter,
    error: &KeystoreError,
) -> Result<Place, Failure> {
    person.say(&format!("\n{error}.\n\n{}", places(Rights::HERE)))?;
    let place = choose(person, PLACE, &["file", "environment"], "file")?;
    Ok(match &*place {
        "environment" => Place::Environment,
        _ => Place::File,
    })
}

/// Where a secret can be kept without a credential store, where files come by `rights`.
fn places(rights: Rights) -> String {
    format!(
        "file         {}\nenvironment  the variable CITRIX_CLIENT_SECRET, which you set yourself",
        rights.offer()
    )
}

/// Addresses with another port than the default one; `None` for that.
fn ask_port(person: &mut dyn Prompter) -> Result<Option<String>, Failure> {
    let question = "Port on this machine that reports use";
    let listen = |port: &str| format!("127.0.0.1:{port}, [::1]:{port}");
    let port = person.line(
        question,
        Some(DEFAULT_PORT),
        &|port| match port.parse::<u16>() {
            Ok(1..) => judge(LISTEN, &listen(port)),
            _ => Err("a port is a number from 1 to 65535".to_owned()),
        },
    )?;
    Ok((port != DEFAULT_PORT).then(|| listen(&port)))
}

fn ask_file(person: &mut dyn Prompter, answers: &Answers) -> Result<PathBuf, Failure> {
    let before = answers.file.display().to_string();
    let file = person.line("Settings file", Some(&before), &judge_file)?;
    Ok(PathBuf::from(file))
}

fn judge_file(path: &str) -> Verdict {
    let path = PathBuf::from(path);
    if !path.is_absolute() {
        return Err("write the whole path, from the root or the drive on".to_owned());
    }
    if path.is_dir() || path.file_name().is_none() {
        return Err("this is a folder; write the name of a file in it, too".to_owned());
    }
    Ok(())
}

/// Whether the files are not there, or may be replaced.
pub(super) fn may_replace(person: &mut dyn Prompter, answers: &Answers) -> Result<bool, Failure> {
    let occupied = Plan::new(answers.clone()).occupied();
    if occupied.is_empty() {
        return Ok(true);
    }
    for path in occupied {
        person.say(&format!("{} is there already.", path.display()))?;
    }
    let answer = choose(person, "Replace it", &["yes", "no"], "no")?;
    Ok(answer == "yes")
}

/// Asks for one of `words`; its beginning is enough.
fn choose(
    person: &mut dyn Prompter,
    question: &str,
    words: &[&str],
    default: &str,
) -> Result<String, Failure> {
    let meant = |answer: &str| {
        let answer = answer.to_ascii_lowercase();
        let exact = words.iter().find(|word| **word == answer);
        let mut begun = words.iter().filter(|word| word.starts_with(&answer));
        match (exact, begun.next(), begun.next()) {
            (Some(word), ..) | (None, Some(word), None) => Ok((*word).to_owned()),
            _ => Err(format!("answer with one of: {}", words.join(", "))),
        }
    };
    let question = format!("{question} ({})", words.join(", "));
    let answer = person.line(&question, Some(default), &|answer| meant(answer).map(drop))?;
    Ok(meant(&answer).unwrap_or_else(|_| default.to_owned()))
}

const INTRODUCTION: &str = "\
This asks for your Citrix Cloud account, tries it out, and writes the settings. Ctrl-C stops it; nothing is
written before the end.

In the Citrix Cloud console (https://citrix.cloud.com) open Identity and Access Management > API Access. The
customer id is told there. Create an API client: a service principal (on older accounts a secure client) with
the role Read Only Administrator. It has a client id, and a secret, which is shown once.
";

const PLACE: &str = "Where to keep the secret";

const KEYRING: &str = "keyring      the system's credential store, for this account alone: the proxy must run as the same account";

const NEXT: &str = "
secret    give another client secret        customer  give another customer id and region
client    give another client id and secret again     try once more
write     write the settings all the same   stop      write nothing";
