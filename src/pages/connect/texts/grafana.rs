//! Grafana's Infinity plugin: a data source as a provisioning file, and a query of a panel.

use serde::Serialize;
use serde_json::Value;
use url::Url;

use crate::pages::connect::target::Target;

/// The data source, for `provisioning/datasources/citrix.yaml`.
pub(in crate::pages::connect) fn data_source(target: &Target) -> String {
    let host = Url::parse(&target.root).map_or_else(
        |_| target.root.clone(),
        |url| url.origin().ascii_serialization(),
    );
    let (method, key) = if target.keys {
        (
            "      auth_method: bearerToken\n",
            "    secureJsonData:\n      bearerToken: $CITRIX_ACCESS_KEY\n",
        )
    } else {
        ("", "")
    };
    format!(
        "apiVersion: 1\n\
         datasources:\n\
         \x20 - name: Citrix\n\
         \x20   type: yesoreyeram-infinity-datasource\n\
         \x20   jsonData:\n{method}\
         \x20     # A table that is not stored yet takes longer than the 60 s that are the default.\n\
         \x20     timeoutInSeconds: 600\n\
         \x20     allowedHosts:\n\
         \x20       - {host}\n{key}",
        host = Value::from(host),
    )
}

/// The query, as `targets` in the JSON of a panel has it.
pub(in crate::pages::connect) fn query(target: &Target) -> String {
    let date = target.date();
    let mut params = Vec::new();
    if let Some(date) = date {
        let value = format!("{date} ge ${{__from:date:iso}} and {date} lt ${{__to:date:iso}}");
        params.push(Param {
            key: "$filter",
            value,
        });
    }
    if !target.set.key.is_empty() {
        let value = target.columns().join(",");
        params.push(Param {
            key: "$select",
            value,
        });
    }
    let column = |name| Column {
        selector: name,
        text: name,
        kind: if date == Some(name) {
            "timestamp"
        } else {
            "string"
        },
    };
    let query = Query {
        ref_id: "A",
        kind: "json",
        source: "url",
        parser: "backend",
        format: "table",
        url: target.address(),
        url_options: UrlOptions {
            method: "GET",
            params,
        },
        root_selector: "value",
        columns: target.columns().into_iter().map(column).collect(),
    };
    // Nothing in it can fail to be written.
    serde_json::to_string_pretty(&query).unwrap_or_default()
}

/// In the order in which the editor asks.
#[derive(Serialize)]
struct Query<'a> {
    #[serde(rename = "refId")]
    ref_id: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    source: &'static str,
    parser: &'static str,
    format: &'static str,
    url: String,
    url_options: UrlOptions,
    root_selector: &'static str,
    columns: Vec<Column<'a>>,
}

#[derive(Serialize)]
struct UrlOptions {
    method: &'static str,
    params: Vec<Param>,
}

#[derive(Serialize)]
struct Param {
    key: &'static str,
    value: String,
}

#[derive(Serialize)]
struct Column<'a> {
    selector: &'a str,
    text: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::connect::tests::{target, with_keys};

    #[test]
    fn a_data_source_with_and_without_a_key() {
        insta::assert_snapshot!(data_source(&target()), @r#"
        apiVersion: 1
        datasources:
          - name: Citrix
            type: yesoreyeram-infinity-datasource
            jsonData:
              # A table that is not stored yet takes longer than the 60 s that are the default.
              timeoutInSeconds: 600
              allowedHosts:
                - "http://localhost:8484"
        "#);
        insta::assert_snapshot!(data_source(&with_keys()), @r#"
        apiVersion: 1
        datasources:
          - name: Citrix
            type: yesoreyeram-infinity-datasource
            jsonData:
              auth_method: bearerToken
              # A table that is not stored yet takes longer than the 60 s that are the default.
              timeoutInSeconds: 600
              allowedHosts:
                - "http://localhost:8484"
            secureJsonData:
              bearerToken: $CITRIX_ACCESS_KEY
        "#);
    }

    #[test]
    fn a_query_follows_the_time_range() {
        let query: Value = serde_json::from_str(&query(&target())).unwrap();
        assert_eq!(query["url"], "http://localhost:8484/monitorodata/Sessions");
        assert_eq!(
            query["url_options"]["params"][0]["value"],
            "StartDate ge ${__from:date:iso} and StartDate lt ${__to:date:iso}"
        );
        assert_eq!(query["columns"][1]["type"], "timestamp");
    }
}
