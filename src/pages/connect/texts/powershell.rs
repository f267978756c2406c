//! PowerShell: Windows PowerShell 5.1 and PowerShell 7 alike.

use crate::pages::connect::target::Target;
use crate::pages::snippets::powershell_text as text;

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
         $url = {url}\n\
         $answer = Invoke-RestMethod -Uri $url{headers}\n\
         $answer.value | Export-Csv -Path {file} -NoTypeInformation -Encoding UTF8\n",
        url = text(&target.query()),
        file = text(&format!("{}.csv", target.set.name)),
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
         $file = {file}\n\
         if (Test-Path $file) {{ Remove-Item $file }}\n\
         $url = {url}\n\
         while ($url) {{\n    \
             $page = Invoke-RestMethod -Uri $url -Headers $headers\n    \
             $page.value | Export-Csv -Path $file -NoTypeInformation -Encoding UTF8 -Append\n    \
             $url = $page.'@odata.nextLink'\n\
         }}\n",
        file = text(&format!("{}.csv", target.set.name)),
        url = text(&target.query()),
    )
}

/// The key comes from a file that the account of the task may read.
const KEY: &str =
    "$key = (Get-Content -Raw 'C:\\ProgramData\\reports\\citrix-access-key.txt').Trim()\n";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::connect::tests::{target, with_keys, without_date};

    #[test]
    fn whole_answers() {
        insta::assert_snapshot!(whole(&target()), @"
        $ErrorActionPreference = 'Stop'
        $url = 'http://localhost:8484/monitorodata/Sessions?$filter=StartDate%20ge%202026-11-15T00:00:00Z&$select=SessionKey,StartDate'
        $answer = Invoke-RestMethod -Uri $url
        $answer.value | Export-Csv -Path 'Sessions.csv' -NoTypeInformation -Encoding UTF8
        ");
        insta::assert_snapshot!(whole(&without_date()), @"
        $ErrorActionPreference = 'Stop'
        $url = 'http://localhost:8484/monitorodata/Users?$select=Id'
        $answer = Invoke-RestMethod -Uri $url
        $answer.value | Export-Csv -Path 'Users.csv' -NoTypeInformation -Encoding UTF8
        ");
    }

    #[test]
    fn pages_with_a_key() {
        insta::assert_snapshot!(paged(&with_keys()), @r#"
        $ErrorActionPreference = 'Stop'
        $key = (Get-Content -Raw 'C:\ProgramData\reports\citrix-access-key.txt').Trim()
        $headers = @{ Prefer = 'odata.maxpagesize=5000'; Authorization = "Bearer $key" }
        $file = 'Sessions.csv'
        if (Test-Path $file) { Remove-Item $file }
        $url = 'http://localhost:8484/monitorodata/Sessions?$filter=StartDate%20ge%202026-11-15T00:00:00Z&$select=SessionKey,StartDate'
        while ($url) {
            $page = Invoke-RestMethod -Uri $url -Headers $headers
            $page.value | Export-Csv -Path $file -NoTypeInformation -Encoding UTF8 -Append
            $url = $page.'@odata.nextLink'
        }
        "#);
    }

    #[test]
    fn tests_show_a_row() {
        insta::assert_snapshot!(test(&with_keys()), @"(Invoke-RestMethod 'http://localhost:8484/monitorodata/Sessions?$top=1' -Headers @{ Authorization = 'Bearer YOUR-ACCESS-KEY' }).value");
    }
}
