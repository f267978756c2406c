//! The things an administrator manages: delivery groups, catalogs, hypervisors, machines, applications.

use crate::demo::model::{Model, Table};
use crate::demo::moment::{DAY, HOUR, MINUTE};
use crate::demo::value::{Row, Value};

use super::Estate;
use super::dice::{Dice, mix, nth};
use super::people;
use super::series::Series;

/// A delivery group and the machines in it.
#[derive(Debug)]
pub(super) struct GroupSpec {
    name: &'static str,
    prefix: &'static str,
    desktop: &'static str,
    pub(super) machines: u32,
    /// 0 desktops, 1 applications, 2 both.
    pub(super) delivery: i64,
    /// 0 private, 1 shared.
    kind: i64,
    /// 1 single session, 2 multi-session.
    support: i64,
    catalog: u64,
    hypervisor: u64,
}

/// A delivery group.
pub(super) fn group(estate: &Estate, _table: &Table, index: u64, out: &mut Row) {
    let Some(spec) = spec(index) else { return };
    let mut dice = Dice::new(estate.seed, 0x6772, index);
    let cost = 0.1 + dice.decimal(0.4);
    out.extend([
        Value::Guid(estate.guid("DesktopGroups", index)),
        Value::text(spec.name),
        Value::Bool(false),
        Value::Int(spec.kind),
        Value::Int(0),
        Value::Int(spec.support),
        Value::Int(spec.delivery),
        Value::Bool(index == GROUPS - 1),
        Value::Double((cost * 100.0).round() / 100.0),
        Value::Int(2),
        if dice.percent(50) {
            Value::Int(index as i64 + 10)
        } else {
            Value::Null
        },
    ]);
    out.extend(dates(estate, &mut dice));
}

/// The name under which users see a group's desktop.
pub(super) fn desktop_name(_estate: &Estate, _table: &Table, index: u64, out: &mut Row) {
    let name = spec(index).map_or("", |spec| spec.desktop);
    out.extend([Value::Int(index as i64 + 1), Value::text(name)]);
}

/// A machine catalog.
pub(super) fn catalog(estate: &Estate, _table: &Table, index: u64, out: &mut Row) {
    let CatalogSpec(name, [provisioning, changes, allocation, support], zone) =
        nth(CATALOG_SPECS, index);
    let mut dice = Dice::new(estate.seed, 0x6361, index);
    out.extend([
        Value::Guid(estate.guid("Catalogs", index)),
        Value::text(name),
        Value::Int(i64::from(index == CATALOGS - 1)),
        Value::Int(provisioning),
        Value::Int(changes),
        Value::Bool(false),
        Value::Int(allocation),
        Value::Int(support),
        match provisioning {
            1 => Value::Guid(estate.guid("Catalogs", index + 100)),
            _ => Value::Null,
        },
        Value::Guid(estate.guid("Catalogs", 200 + zone.len() as u64)),
        Value::text(zone),
    ]);
    out.extend(dates(estate, &mut dice));
}

/// A hosting connection.
pub(super) fn hypervisor(estate: &Estate, _table: &Table, index: u64, out: &mut Row) {
    let (name, kind) = nth(HYPERVISOR_SPECS, index);
    out.extend([
        Value::Guid(estate.guid("Hypervisors", index)),
        Value::text(name),
        Value::text(kind),
        Value::Int(0),
    ]);
    out.extend(dates(estate, &mut Dice::new(estate.seed, 0x6879, index)));
}

/// A published application.
pub(super) fn application(estate: &Estate, _table: &Table, index: u64, out: &mut Row) {
    let (name, folder, path) = nth(APPLICATION_SPECS, index);
    out.extend([
        Value::Guid(estate.guid("Applications", index)),
        Value::text(name),
        Value::text(name),
        Value::Int(0),
        Value::Bool(index % 11 != 10),
        Value::text(folder),
        Value::Int(0),
        Value::text(path),
        Value::text(format!("{}-{}", name.replace(' ', "-"), index + 1)),
    ]);
    out.extend(dates(estate, &mut Dice::new(estate.seed, 0x6170, index)));
}

/// A reason why a session did not start.
pub(super) fn category(estate: &Estate, _table: &Table, index: u64, out: &mut Row) {
    let code = failure_code(index);
    let category = match code {
        0 | 1 => 0,
        4 | 7 | 18 | 19 | 23 => 1,
        2 | 3 | 101 => 2,
        12 | 13 | 15 | 21 | 22 | 24 | 25 | 100 => 3,
        5 | 11 => 4,
        _ => 5,
    };
    let created = Value::Date(estate.now - 400 * DAY);
    out.extend([
        Value::Int(index as i64 + 1),
        Value::Int(code),
        Value::Int(category),
        created.clone(),
        created,
    ]);
}

/// The number that stands for a category elsewhere.
pub(super) fn failure_code(category: u64) -> i64 {
    let code = i64::try_from(category).unwrap_or(0);
    if code < 26 { code } else { code + 74 }
}

/// A machine.
pub(super) fn machine(estate: &Estate, table: &Table, index: u64, out: &mut Row) {
    let group = estate.fleet.group(index);
    let Some(spec) = spec(group) else { return };
    let mut dice = Dice::new(estate.seed, 0x6d63, index);
    let name = format!("{}{:03}", spec.prefix, estate.fleet.place(index) + 1);
    let off = dice.percent(6) && estate.fleet.open_sessions(index) == 0;
    let faulty = !off && dice.percent(3);
    let since = estate.now - HOUR - dice.upto(6 * DAY);
    out.extend([
        Value::Guid(estate.guid("Machines", index)),
        Value::text(format!(
            "S-1-5-21-1004336348-1177238915-682003330-{}",
            40_000 + index
        )),
        Value::text(format!("{}\\{name}", people::DOMAIN)),
        Value::text(format!("{}.{}", name.to_lowercase(), people::MAIL)),
        Value::Int(0),
        Value::text(format!(
            "10.{}.{}.{}",
            30 + group,
            index / 250,
            1 + index % 250
        )),
        Value::Guid(estate.guid("Machines", index + (1 << 32)))
            .literal()
            .into(),
        Value::text(format!(
            "{}-host-{:02}",
            nth(HYPERVISOR_SPECS, spec.hypervisor).1.to_lowercase(),
            index % 12 + 1
        )),
        Value::text(name),
        Value::Bool(spec.kind == 0),
        Value::Bool(group == GROUPS - 1 && dice.percent(50)),
        Value::Bool(dice.percent(5)),
        Value::text(nth(
            &["2402.0.100.629", "2311.1.0.55", "2407.0.0.121"],
            dice.next(),
        )),
    ]);
    owner(estate, spec.kind == 0, index, out);
    let condition = Condition { off, faulty, since };
    condition.write(estate, index, out);
    out.extend([
        Value::text(if spec.support == 2 {
            "Windows 2022"
        } else {
            "Windows 11"
        }),
        Series::of("LoadIndexes").map_or(Value::Null, |series| series.latest(estate, index)),
        Value::Guid(estate.guid("Catalogs", spec.catalog)),
        Value::Guid(estate.guid("DesktopGroups", group)),
        Value::Guid(estate.guid("Hypervisors", spec.hypervisor)),
        Value::Int(if off { 3 } else { 1 }),
        Value::Int(nth(&[3, 4, 5, 8], dice.next())),
        Value::Null,
        Value::Date(since + MINUTE),
        Value::Int(0),
        Value::Null,
        if dice.percent(20) {
            Value::text("Autoscale")
        } else {
            Value::Null
        },
        Value::text(format!("{:016x}", mix(estate.seed, index, table.id as u64))),
        Value::Int(0),
    ]);
    out.extend(dates(estate, &mut dice));
}

/// How a machine is doing, and since when.
struct Condition {
    off: bool,
    faulty: bool,
    since: i64,
}

impl Condition {
    /// Appends the columns from the registration state to the fault state.
    fn write(&self, estate: &Estate, index: u64, out: &mut Row) {
        let Self { off, faulty, since } = *self;
        let reason = match (off, faulty) {
            (true, _) => 200,
            (_, true) => 207,
            _ => 400,
        };
        out.extend([
            Value::Int(if off || faulty { 2 } else { 1 }),
            Value::Date(since),
            Value::Int(reason),
            Value::date((off || faulty).then_some(since)),
            Value::Int(if off { 2 } else { 3 }),
            Value::Int(estate.fleet.open_sessions(index)),
            Value::text(nth(
                &["fra-cc-01.nordhafen.example", "fra-cc-02.nordhafen.example"],
                index,
            )),
            Value::date((!off).then_some(since)),
            Value::Date(since),
            Value::Int(7),
            Value::date(faulty.then_some(since)),
            Value::Int(1),
            Value::Bool(false),
            Value::Int(if faulty { 4 } else { 1 }),
        ]);
    }
}

/// What an hour of a machine costs.
pub(super) fn machine_cost(estate: &Estate, _table: &Table, index: u64, out: &mut Row) {
    let mut dice = Dice::new(estate.seed, 0x6d63, index);
    let compute = 0.05 + dice.decimal(0.6);
    out.extend([
        Value::Guid(estate.guid("Machines", index)),
        Value::Int(1 + dice.upto(6)),
        Value::Double((compute * 100.0).round() / 100.0),
        Value::Int(2),
        Value::Int(2),
        Value::Double((compute * 80.0).round() / 100.0),
        Value::Double(dice.decimal(0.05)),
        Value::Double(dice.decimal(0.05)),
    ]);
    out.extend(dates(estate, &mut dice));
}

/// A time in which a machine could not be used; the last few have not ended.
pub(super) fn machine_failure(estate: &Estate, _table: &Table, index: u64, out: &mut Row) {
    let mut dice = Dice::new(estate.seed, 0x6d66, index);
    let machine = dice.below(estate.fleet.count());
    let jitter = dice.next();
    let start = estate.rhythm.moment(index, MACHINE_FAILURES, jitter);
    let end = Some(start + dice.between(2 * MINUTE, 8 * HOUR)).filter(|end| *end < estate.now);
    out.extend([
        Value::Int(index as i64 + 1),
        Value::Guid(estate.guid("Machines", machine)),
        Value::Date(start),
        Value::date(end),
        Value::Int(dice.between(2, 7)),
        Value::Int(nth(&[200, 207, 102, 400], dice.next())),
        Value::Date(start + 1500),
        Value::Date(end.unwrap_or(start) + 1500),
    ]);
}

/// The user to whom a private machine belongs.
fn owner(estate: &Estate, private: bool, machine: u64, out: &mut Row) {
    if !private {
        out.extend([Value::Null, Value::Null, Value::Null]);
        return;
    }
    let user = machine * 6 % people::USERS;
    out.extend([
        Value::text(people::full_name(estate, user)),
        Value::text(format!(
            "{}\\{}",
            people::DOMAIN,
            people::account_of(estate, user)
        )),
        Value::text(people::upn(estate, user)),
    ]);
}

/// Created a year ago, changed lately.
fn dates(estate: &Estate, dice: &mut Dice) -> [Value; 2] {
    let created = estate.now - 400 * DAY + dice.upto(200 * DAY);
    [
        Value::Date(created),
        Value::Date(estate.now - dice.upto(30 * DAY)),
    ]
}

fn spec(group: u64) -> Option<&'static GroupSpec> {
    GROUP_SPECS.get(usize::try_from(group).ok()?)
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

impl Estate {
    /// The delivery groups that publish an application: one that runs applications, and for some a second.
    pub(super) fn application_groups(application: u64) -> Vec<u64> {
        let serving: Vec<u64> = (0..GROUPS)
            .filter(|group| spec(*group).is_some_and(|spec| spec.delivery > 0))
            .collect();
        let first = nth(&serving, application);
        let second = nth(&serving, application + 1);
        match application % 3 {
            0 => vec![first.min(second), first.max(second)],
            _ => vec![first],
        }
    }

    /// The names of tables whose rows have lists of their own.
    pub(super) fn table(name: &str) -> Option<&'static Table> {
        Model::published().set(name)
    }
}

/// How many there are of each.
pub(super) const GROUPS: u64 = GROUP_SPECS.len() as u64;
pub(super) const CATALOGS: u64 = CATALOG_SPECS.len() as u64;
pub(super) const HYPERVISORS: u64 = HYPERVISOR_SPECS.len() as u64;
pub(super) const APPLICATIONS: u64 = APPLICATION_SPECS.len() as u64;
pub(super) const CATEGORIES: u64 = 28;
pub(super) const MACHINE_FAILURES: u64 = 420;

const fn spec_of(
    name: &'static str,
    prefix: &'static str,
    desktop: &'static str,
    machines: u32,
    [delivery, kind, support]: [i64; 3],
    [catalog, hypervisor]: [u64; 2],
) -> GroupSpec {
    GroupSpec {
        name,
        prefix,
        desktop,
        machines,
        delivery,
        kind,
        support,
        catalog,
        hypervisor,
    }
}

pub(super) static GROUP_SPECS: &[GroupSpec] = &[
    spec_of(
        "Office Desktops Frankfurt",
        "FRA-W11-",
        "Windows 11 Desktop",
        96,
        [0, 1, 1],
        [0, 0],
    ),
    spec_of(
        "Office Desktops London",
        "LON-W11-",
        "London Desktop",
        72,
        [0, 1, 1],
        [1, 1],
    ),
    spec_of(
        "Developer Workstations",
        "FRA-DEV-",
        "Developer Workstation",
        40,
        [0, 0, 1],
        [2, 0],
    ),
    spec_of(
        "Engineering CAD (GPU)",
        "STR-CAD-",
        "CAD Workstation",
        24,
        [0, 0, 1],
        [3, 2],
    ),
    spec_of(
        "Shared Desktops & Apps",
        "FRA-SRV-",
        "Shared Desktop",
        64,
        [2, 1, 2],
        [4, 0],
    ),
    spec_of("ERP and Finance", "FRA-ERP-", "", 48, [1, 1, 2], [5, 0]),
    spec_of(
        "Call Centre Dublin",
        "DUB-CCS-",
        "Call Centre Desktop",
        40,
        [2, 1, 2],
        [6, 3],
    ),
    spec_of(
        "Pilot & Test",
        "TST-W11-",
        "Pilot Desktop",
        16,
        [2, 1, 2],
        [7, 3],
    ),
];

/// Name; provisioning, persistence, allocation, session support; zone.
#[derive(Debug, Clone, Copy, Default)]
struct CatalogSpec(&'static str, [i64; 4], &'static str);

const CATALOG_SPECS: &[CatalogSpec] = &[
    CatalogSpec("MCS Windows 11 Frankfurt", [1, 1, 2, 1], "Frankfurt"),
    CatalogSpec("MCS Windows 11 London", [1, 1, 2, 1], "London"),
    CatalogSpec("Developer persistent", [1, 2, 1, 1], "Frankfurt"),
    CatalogSpec("CAD GPU persistent", [3, 2, 1, 1], "Stuttgart"),
    CatalogSpec("PVS Server 2022", [2, 1, 2, 2], "Frankfurt"),
    CatalogSpec("PVS Server 2022 ERP", [2, 1, 2, 2], "Frankfurt"),
    CatalogSpec("Azure multi-session", [1, 1, 2, 2], "Azure West Europe"),
    CatalogSpec("Pilot ring", [1, 1, 2, 2], "Azure West Europe"),
    CatalogSpec("MCS Windows 10 (retired)", [1, 1, 2, 1], "Frankfurt"),
];

const HYPERVISOR_SPECS: &[(&str, &str)] = &[
    ("vSphere Frankfurt", "VCenter"),
    ("XenServer London", "XenServer"),
    ("Nutanix Stuttgart", "AcropolisFactory"),
    ("Azure West Europe", "AzureRmFactory"),
];

/// Name, folder, path.
const APPLICATION_SPECS: &[(&str, &str, &str)] = &[
    (
        "Microsoft Excel",
        "Office\\",
        r"C:\Program Files\Microsoft Office\root\Office16\EXCEL.EXE",
    ),
    (
        "Microsoft Word",
        "Office\\",
        r"C:\Program Files\Microsoft Office\root\Office16\WINWORD.EXE",
    ),
    (
        "Microsoft Outlook",
        "Office\\",
        r"C:\Program Files\Microsoft Office\root\Office16\OUTLOOK.EXE",
    ),
    (
        "SAP GUI",
        "ERP\\",
        r"C:\Program Files\SAP\FrontEnd\SAPGUI\saplogon.exe",
    ),
    (
        "SAP Analysis for Office",
        "ERP\\",
        r"C:\Program Files\SAP\Analysis\BiXLLauncher.exe",
    ),
    (
        "DATEV Arbeitsplatz",
        "Finance\\",
        r"C:\DATEV\PROGRAMM\K0005000\Arbeitsplatz.exe",
    ),
    ("Lexware", "Finance\\", r"C:\Lexware\professional\lxpro.exe"),
    (
        "Zahlungsverkehr (Büro)",
        "Finance\\",
        r"C:\Program Files\Windata\windata.exe",
    ),
    (
        "Genesys Agent",
        "Call Centre\\",
        r"C:\Program Files\Genesys\Workspace\InteractionWorkspace.exe",
    ),
    ("Customer 360°", "Call Centre\\", r"C:\Apps\c360\c360.exe"),
    (
        "Microsoft Edge",
        "",
        r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
    ),
    (
        "Adobe Acrobat",
        "Office\\",
        r"C:\Program Files\Adobe\Acrobat DC\Acrobat\Acrobat.exe",
    ),
    (
        "Power BI Desktop",
        "Analytics\\",
        r"C:\Program Files\Microsoft Power BI Desktop\bin\PBIDesktop.exe",
    ),
    (
        "SQL Server Management Studio",
        "IT\\",
        r"C:\Program Files (x86)\SSMS\Common7\IDE\Ssms.exe",
    ),
    ("PuTTY", "IT\\", r"C:\Program Files\PuTTY\putty.exe"),
    (
        "Notepad++",
        "IT\\",
        r"C:\Program Files\Notepad++\notepad++.exe",
    ),
    ("7-Zip", "IT\\", r"C:\Program Files\7-Zip\7zFM.exe"),
    (
        "AutoCAD LT",
        "Engineering\\",
        r"C:\Program Files\Autodesk\AutoCAD LT 2025\acadlt.exe",
    ),
    (
        "O'Reilly Reader",
        "Engineering\\",
        r"C:\Apps\Reader\reader.exe",
    ),
    ("Personalakte", "HR\\", r"C:\Apps\HR\personalakte.exe"),
    ("Zeiterfassung", "HR\\", r"C:\Apps\HR\zeit.exe"),
    (
        "Microsoft Teams",
        "Office\\",
        r"C:\Program Files\Teams\Teams.exe",
    ),
];
