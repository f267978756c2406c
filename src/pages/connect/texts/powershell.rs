//! PowerShell: Windows PowerShell 5.1 and PowerShell 7 alike.

use crate::pages::connect::target::Target;
use crate::pages::snippets::{POWERSHELL_KEY as KEY, powershell_text as text};

/// One row, to see whether there is a way.
pub(in crate::pages::connect) fn test(target: &Target) -> String {
    let headers = if target.keys {
        " -Headers @{ Authorization = 'Bearer YOUR-ACCESS-KEY' }"
    } else {
        ""
    };
    let url = text(&format!("{}?$top=1", target.address()));
    format!("(Invoke-RestMethod {url}{headers}).value\n")
}

/// One answer, into a file.
pub(in crate::pages::connect) fn whole(target: &Target) -> String {
    let (key, headers) = if target.keys {
        (
            format!("{KEY}$headers = @{{ Authorization = \"Bearer $key\" }}\n"),
            " -Headers $headers",
        )
    } else {
        (String::new(), "")
    };
    format!(
        "$ErrorActionPreference = 'Stop'\n\
         {key}\
         {DATES}\
         {file}\
         {undated}\
         $url = {url}\n\
         $answer = Invoke-RestMethod -Uri $url{headers}\n\
         $answer.value | ForEach-Object $dates | Export-Csv -Path $part -NoTypeInformation -Encoding UTF8\n\
         {MOVE}",
        file = file(target),
        undated = target.undated_comment("#"),
        url = text(&target.query()),
    )
}

/// Page after page, for tables that are too large to be held at once.
pub(in crate::pages::connect) fn paged(target: &Target) -> String {
    let (key, authorization) = if target.keys {
        (KEY, "; Authorization = \"Bearer $key\"")
    } else {
        ("", "")
    };
    format!(
        "$ErrorActionPreference = 'Stop'\n\
         {key}\
         $headers = @{{ Prefer = 'odata.maxpagesize=5000'{authorization} }}\n\
         {DATES}\
         {file}\
         if (Test-Path $part) {{ Remove-Item $part }}\n\
         {undated}\
         $url = {url}\n\
         while ($url) {{\n    \
             $page = Invoke-RestMethod -Uri $url -Headers $headers\n    \
             $page.value | ForEach-Object $dates | Export-Csv -Path $part -NoTypeInformation -Encoding UTF8 -Append\n    \
             $url = $page.'@odata.nextLink'\n\
         }}\n\
         {MOVE}",
        file = file(target),
        undated = target.undated_comment("#"),
        url = text(&target.query()),
    )
}

/// The file that the rows end up in, and the one beside it that they are collected in: the last good file stays until
/// the new one is whole.
fn file(target: &Target) -> String {
    let file = text(&format!("{}.csv", target.set.name));
    format!("$file = {file}\n$part = \"$file.part\"\n")
}

/// Puts the new file in the place of the old one.
const MOVE: &str = "Move-Item -Path $part -Destination $file -Force\n";

/// PowerShell 7 reads dates as such, and would write them by the machine's language, without zone and fraction; 5.1 leaves
/// them as text.
const DATES: &str = "\
# PowerShell 7 reads dates as such: keep them as UTC, in the same form everywhere.
$dates = {
    foreach ($member in $_.PSObject.Properties) {
        if ($member.Value -is [datetime]) { $member.Value = $member.Value.ToUniversalTime().ToString('o') }
    }
    $_
}
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::connect::tests::{target, with_keys, without_date};

    #[test]
    fn whole_answers() {
        insta::assert_snapshot!(whole(&target()), @r#"
        $ErrorActionPreference = 'Stop'
        # PowerShell 7 reads dates as such: keep them as UTC, in the same form everywhere.
        $dates = {
            foreach ($member in $_.PSObject.Properties) {
                if ($member.Value -is [datetime]) { $member.Value = $member.Value.ToUniversalTime().ToString('o') }
            }
            $_
        }
        $file = 'Sessions.csv'
        $part = "$file.part"
        # Rows without StartDate are not among these: the filter `StartDate eq null` finds them.
        $url = 'http://localhost:8484/monitorodata/Sessions?$filter=StartDate%20ge%202026-11-15T00:00:00Z&$select=SessionKey,StartDate'
        $answer = Invoke-RestMethod -Uri $url
        $answer.value | ForEach-Object $dates | Export-Csv -Path $part -NoTypeInformation -Encoding UTF8
        Move-Item -Path $part -Destination $file -Force
        "#);
        insta::assert_snapshot!(whole(&without_date()), @r#"
        $ErrorActionPreference = 'Stop'
        # PowerShell 7 reads dates as such: keep them as UTC, in the same form everywhere.
        $dates = {
            foreach ($member in $_.PSObject.Properties) {
                if ($member.Value -is [datetime]) { $member.Value = $member.Value.ToUniversalTime().ToString('o') }
            }
            $_
        }
        $file = 'Users.csv'
        $part = "$file.part"
        $url = 'http://localhost:8484/monitorodata/Users?$select=Id'
        $answer = Invoke-RestMethod -Uri $url
        $answer.value | ForEach-Object $dates | Export-Csv -Path $part -NoTypeInformation -Encoding UTF8
        Move-Item -Path $part -Destination $file -Force
        "#);
    }

    #[test]
    fn pages_with_a_key() {
        insta::assert_snapshot!(paged(&with_keys()), @r#"
        $ErrorActionPreference = 'Stop'
        $key = (Get-Content -Raw 'C:\ProgramData\reports\citrix-access-key.txt').Trim()
        $headers = @{ Prefer = 'odata.maxpagesize=5000'; Authorization = "Bearer $key" }
        # PowerShell 7 reads dates as such: keep them as UTC, in the same form everywhere.
        $dates = {
            foreach ($member in $_.PSObject.Properties) {
                if ($member.Value -is [datetime]) { $member.Value = $member.Value.ToUniversalTime().ToString('o') }
            }
            $_
        }
        $file = 'Sessions.csv'
        $part = "$file.part"
        if (Test-Path $part) { Remove-Item $part }
        # Rows without StartDate are not among these: the filter `StartDate eq null` finds them.
        $url = 'http://localhost:8484/monitorodata/Sessions?$filter=StartDate%20ge%202026-11-15T00:00:00Z&$select=SessionKey,StartDate'
        while ($url) {
            $page = Invoke-RestMethod -Uri $url -Headers $headers
            $page.value | ForEach-Object $dates | Export-Csv -Path $part -NoTypeInformation -Encoding UTF8 -Append
            $url = $page.'@odata.nextLink'
        }
        Move-Item -Path $part -Destination $file -Force
        "#);
    }

    #[test]
    fn tests_show_a_row() {
        insta::assert_snapshot!(test(&with_keys()), @"(Invoke-RestMethod 'http://localhost:8484/monitorodata/Sessions?$top=1' -Headers @{ Authorization = 'Bearer YOUR-ACCESS-KEY' }).value");
    }
}
