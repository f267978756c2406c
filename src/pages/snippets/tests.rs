//! Whole snippets, and addresses.

use insta::assert_snapshot;
use proptest::prelude::*;

use super::*;

fn feed(query: &[(&str, &str)]) -> Feed {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Feed {
        root: "http://localhost:8484/monitorodata".to_owned(),
        set: "Users".to_owned(),
        query: query.iter().map(owned).collect(),
        keys: false,
    }
}

fn sample() -> Feed {
    feed(&[
        ("$filter", "FullName eq 'O''Brien \"Bob\" & Co 5%'"),
        ("$select", "Id,FullName"),
        ("$top", "50"),
    ])
}

#[test]
fn addresses_are_encoded() {
    assert_eq!(
        sample().url(),
        "http://localhost:8484/monitorodata/Users?$filter=FullName%20eq%20%27O%27%27Brien%20%22Bob%22%20%26%20Co%205%25%27\
         &$select=Id,FullName&$top=50"
    );
    assert_eq!(feed(&[]).url(), "http://localhost:8484/monitorodata/Users");
    let service = Feed {
        set: String::new(),
        ..feed(&[])
    };
    assert_eq!(service.url(), "http://localhost:8484/monitorodata");
    let odd = Feed {
        set: "a b'/c".to_owned(),
        ..feed(&[])
    };
    assert_eq!(odd.url(), "http://localhost:8484/monitorodata/a%20b%27/c");
}

#[test]
fn snippets_are_whole_programs() {
    assert_snapshot!(m(&sample()), @r#"
    let
        Source = OData.Feed("http://localhost:8484/monitorodata/Users", null, [
            Implementation = "2.0",
            Query = [
                #"$filter" = "FullName eq 'O''Brien ""Bob"" & Co 5%'",
                #"$select" = "Id,FullName",
                #"$top" = "50"
            ]
        ])
    in
        Source
    "#);
    assert_snapshot!(powershell(&sample()), @r#"
    $ErrorActionPreference = 'Stop'
    $query = [ordered]@{
        '$filter' = 'FullName eq ''O''''Brien "Bob" & Co 5%'''
        '$select' = 'Id,FullName'
        '$top' = '50'
    }
    $options = foreach ($name in $query.Keys) { $name + '=' + [uri]::EscapeDataString($query[$name]) }
    $url = 'http://localhost:8484/monitorodata/Users?' + ($options -join '&')
    $rows = (Invoke-RestMethod -Uri $url -TimeoutSec 600 -UseBasicParsing).value
    $rows | Format-Table -AutoSize
    "#);
    assert_snapshot!(python(&sample()), @r#"
    # pip install requests pandas
    import pandas as pd
    import requests

    answer = requests.get(
        "http://localhost:8484/monitorodata/Users",
        params={
            "$filter": "FullName eq 'O''Brien \"Bob\" & Co 5%'",
            "$select": "Id,FullName",
            "$top": "50",
        },
        timeout=600,
    )
    if not answer.ok:
        raise SystemExit(answer.text)  # says what happened, and what to do
    rows = pd.json_normalize(answer.json()["value"])
    print(rows)
    "#);
    assert_snapshot!(curl(&sample()), @r#"
    curl --fail-with-body --get 'http://localhost:8484/monitorodata/Users' \
      --data-urlencode '$filter=FullName eq '\''O'\'''\''Brien "Bob" & Co 5%'\''' \
      --data-urlencode '$select=Id,FullName' \
      --data-urlencode '$top=50'

    # In PowerShell or a Windows command prompt:
    # curl.exe --fail-with-body "http://localhost:8484/monitorodata/Users?%24filter=FullName%20eq%20%27O%27%27Brien%20%22Bob%22%20%26%20Co%205%25%27&%24select=Id%2CFullName&%24top=50"
    "#);
}

#[test]
fn without_a_query_they_are_short() {
    assert_snapshot!(m(&feed(&[])), @r#"
    let
        Source = OData.Feed("http://localhost:8484/monitorodata/Users", null, [
            Implementation = "2.0"
        ])
    in
        Source
    "#);
    assert_snapshot!(powershell(&feed(&[])), @r#"
    $ErrorActionPreference = 'Stop'
    $url = 'http://localhost:8484/monitorodata/Users'
    $rows = (Invoke-RestMethod -Uri $url -TimeoutSec 600 -UseBasicParsing).value
    $rows | Format-Table -AutoSize
    "#);
    assert_snapshot!(python(&feed(&[])), @r#"
    # pip install requests pandas
    import pandas as pd
    import requests

    answer = requests.get(
        "http://localhost:8484/monitorodata/Users",
        timeout=600,
    )
    if not answer.ok:
        raise SystemExit(answer.text)  # says what happened, and what to do
    rows = pd.json_normalize(answer.json()["value"])
    print(rows)
    "#);
    assert_snapshot!(curl(&feed(&[])), @r#"
    curl --fail-with-body --get 'http://localhost:8484/monitorodata/Users'

    # In PowerShell or a Windows command prompt:
    # curl.exe --fail-with-body "http://localhost:8484/monitorodata/Users"
    "#);
}

#[test]
fn where_keys_are_wanted_programs_present_one() {
    let feed = Feed {
        keys: true,
        ..feed(&[("$top", "3")])
    };
    assert_snapshot!(powershell(&feed), @r#"
    $ErrorActionPreference = 'Stop'
    $key = (Get-Content -Raw 'C:\ProgramData\reports\citrix-access-key.txt').Trim()
    $headers = @{ Authorization = "Bearer $key" }
    $query = [ordered]@{
        '$top' = '3'
    }
    $options = foreach ($name in $query.Keys) { $name + '=' + [uri]::EscapeDataString($query[$name]) }
    $url = 'http://localhost:8484/monitorodata/Users?' + ($options -join '&')
    $rows = (Invoke-RestMethod -Uri $url -Headers $headers -TimeoutSec 600 -UseBasicParsing).value
    $rows | Format-Table -AutoSize
    "#);
    assert_snapshot!(python(&feed), @r#"
    # pip install requests pandas
    import os

    import pandas as pd
    import requests

    answer = requests.get(
        "http://localhost:8484/monitorodata/Users",
        params={
            "$top": "3",
        },
        headers={"Authorization": f"Bearer {os.environ['CITRIX_ACCESS_KEY']}"},
        timeout=600,
    )
    if not answer.ok:
        raise SystemExit(answer.text)  # says what happened, and what to do
    rows = pd.json_normalize(answer.json()["value"])
    print(rows)
    "#);
    assert_snapshot!(curl(&feed), @r#"
    curl --fail-with-body --get 'http://localhost:8484/monitorodata/Users' \
      -H 'Authorization: Bearer YOUR-ACCESS-KEY' \
      --data-urlencode '$top=3'

    # In PowerShell or a Windows command prompt:
    # curl.exe --fail-with-body -H "Authorization: Bearer YOUR-ACCESS-KEY" "http://localhost:8484/monitorodata/Users?%24top=3"
    "#);
}

proptest! {
    #[test]
    fn any_value_can_be_read_from_the_address(name in any::<String>(), value in any::<String>()) {
        let feed = feed(&[(&name, &value)]);
        for url in [feed.url(), feed.shell_url()] {
            let read = url::Url::parse(&url).unwrap();
            let pairs: Vec<(String, String)> = read.query_pairs().into_owned().collect();
            prop_assert_eq!(&pairs, &feed.query);
            prop_assert!(!url.contains(['"', '\'', '`', ' ', '\\', '!']));
        }
        prop_assert!(!feed.shell_url().contains('$'));
    }
}
