//! The names and numbers that a made-up company is made of.

/// A delivery group and the machines in it.
#[derive(Debug)]
pub(super) struct GroupSpec {
    pub(super) name: &'static str,
    pub(super) prefix: &'static str,
    pub(super) desktop: &'static str,
    pub(super) machines: u32,
    /// 0 desktops, 1 applications, 2 both.
    pub(super) delivery: i64,
    /// 0 private, 1 shared.
    pub(super) kind: i64,
    /// 1 single session, 2 multi-session.
    pub(super) support: i64,
    pub(super) catalog: u64,
    pub(super) hypervisor: u64,
}

/// A machine catalog: name; provisioning, persistence, allocation, session support; zone.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct CatalogSpec(
    pub(super) &'static str,
    pub(super) [i64; 4],
    pub(super) &'static str,
);

/// A delivery group by its place.
pub(super) fn spec(group: u64) -> Option<&'static GroupSpec> {
    GROUP_SPECS.get(usize::try_from(group).ok()?)
}

/// The number that stands for a category elsewhere.
pub(super) fn failure_code(category: u64) -> i64 {
    let code = i64::try_from(category).unwrap_or(0);
    if code < 26 { code } else { code + 74 }
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

/// Where catalogs are.
pub(super) const ZONES: &[&str] = &["Frankfurt", "London", "Stuttgart", "Azure West Europe"];

/// The delivery groups, with their machines.
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

pub(super) const CATALOG_SPECS: &[CatalogSpec] = &[
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

pub(super) const HYPERVISOR_SPECS: &[(&str, &str)] = &[
    ("vSphere Frankfurt", "VCenter"),
    ("XenServer London", "XenServer"),
    ("Nutanix Stuttgart", "AcropolisFactory"),
    ("Azure West Europe", "AzureRmFactory"),
];

/// Name, folder, path.
pub(super) const APPLICATION_SPECS: &[(&str, &str, &str)] = &[
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
