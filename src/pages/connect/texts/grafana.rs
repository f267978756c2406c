//! Grafana's Infinity plugin: a data source as a provisioning file, and a query of a panel.

use serde_json::{Value, json};
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

/// The query, as *Query inspector* and the JSON of a panel have it.
pub(in crate::pages::connect) fn query(target: &Target) -> String {
    let columns = target.columns().into_iter();
    let is_date = |column: &str| target.set.date.as_deref() == Some(column);
    let columns: Vec<Value> = columns
        .map(|name| {
            let kind = if is_date(name) { "timestamp" } else { "string" };
            json!({ "selector": name, "text": name, "type": kind })
        })
        .collect();
    let mut params = Vec::new();
    if let Some(date) = &target.set.date {
        let filter = format!("{date} ge ${{__from:date:iso}} and {date} lt ${{__to:date:iso}}");
        params.push(json!({ "key": "$filter", "value": filter }));
    }
    if !target.set.key.is_empty() {
        params.push(json!({ "key": "$select", "value": target.columns().join(",") }));
    }
    let query = json!({
        "refId": "A",
        "type": "json",
        "source": "url",
        "parser": "backend",
        "format": "table",
        "url": target.address(),
        "url_options": { "method": "GET", "params": params },
        "root_selector": "value",
        "columns": columns,
    });
    format!("{query:#}\n")
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
