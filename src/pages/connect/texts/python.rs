//! Python with requests and pandas.

use crate::pages::connect::target::Target;
use crate::pages::snippets::{python_access as access, python_text as text};

/// One answer, as a data frame.
pub(in crate::pages::connect) fn whole(target: &Target) -> String {
    let (import, headers) = access(target.keys);
    format!(
        "# pip install pandas requests\n\
         {import}\
         import pandas as pd\n\
         import requests\n\
         \n\
         {undated}\
         answer = requests.get(\n    \
             {address},\n{params}{headers}    \
             timeout=600,\n\
         )\n\
         if not answer.ok:\n    \
             raise SystemExit(answer.text)  # says what happened, and what to do\n\
         rows = pd.DataFrame(answer.json()[\"value\"])\n\
         {dates}\
         print(rows)\n",
        undated = target.undated_comment("#"),
        address = text(&target.address()),
        params = params(target, "    "),
        dates = dates(target),
    )
}

/// Page after page, for tables that are too large to be held at once.
pub(in crate::pages::connect) fn paged(target: &Target) -> String {
    let (import, authorization) = if target.keys {
        (
            "import os\n\n",
            "session.headers[\"Authorization\"] = f\"Bearer {os.environ['CITRIX_ACCESS_KEY']}\"\n",
        )
    } else {
        ("", "")
    };
    format!(
        "# pip install pandas requests\n\
         {import}\
         import pandas as pd\n\
         import requests\n\
         \n\
         session = requests.Session()\n\
         session.headers[\"Prefer\"] = \"odata.maxpagesize=5000\"\n\
         {authorization}\
         \n\
         def pages(url, params):\n    \
             while url:\n        \
                 answer = session.get(url, params=params, timeout=600)\n        \
                 if not answer.ok:\n            \
                     raise SystemExit(answer.text)\n        \
                 page = answer.json()\n        \
                 yield pd.DataFrame(page[\"value\"])\n        \
                 # A next link has all options in it.\n        \
                 url, params = page.get(\"@odata.nextLink\"), None\n\
         \n\
         {undated}\
         count = 0\n\
         for rows in pages({address}, {params}):\n    \
             count += len(rows)\n\
         print(count, \"rows\")\n",
        undated = target.undated_comment("#"),
        address = text(&target.address()),
        params = record(target, ""),
    )
}

fn params(target: &Target, indent: &str) -> String {
    if target.options().is_empty() {
        return String::new();
    }
    format!("{indent}params={},\n", record(target, indent))
}

fn record(target: &Target, indent: &str) -> String {
    let options = target.options();
    if options.is_empty() {
        return "{}".to_owned();
    }
    let option =
        |(name, value): &(&str, String)| format!("{indent}    {}: {},\n", text(name), text(value));
    let lines: String = options.iter().map(option).collect();
    format!("{{\n{lines}{indent}}}")
}

fn dates(target: &Target) -> String {
    let Some(date) = target.date() else {
        return String::new();
    };
    let column = text(date);
    format!(
        "if len(rows):\n    rows[{column}] = pd.to_datetime(rows[{column}], format=\"ISO8601\", utc=True)\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::connect::tests::{target, with_keys, without_date};

    #[test]
    fn whole_answers() {
        insta::assert_snapshot!(whole(&target()), @r#"
        # pip install pandas requests
        import pandas as pd
        import requests

        # Rows without StartDate are not among these: the filter `StartDate eq null` finds them.
        answer = requests.get(
            "http://localhost:8484/monitorodata/Sessions",
            params={
                "$filter": "StartDate ge 2026-11-15T00:00:00Z",
                "$select": "SessionKey,StartDate",
            },
            timeout=600,
        )
        if not answer.ok:
            raise SystemExit(answer.text)  # says what happened, and what to do
        rows = pd.DataFrame(answer.json()["value"])
        if len(rows):
            rows["StartDate"] = pd.to_datetime(rows["StartDate"], format="ISO8601", utc=True)
        print(rows)
        "#);
        insta::assert_snapshot!(whole(&without_date()), @r#"
        # pip install pandas requests
        import pandas as pd
        import requests

        answer = requests.get(
            "http://localhost:8484/monitorodata/Users",
            params={
                "$select": "Id",
            },
            timeout=600,
        )
        if not answer.ok:
            raise SystemExit(answer.text)  # says what happened, and what to do
        rows = pd.DataFrame(answer.json()["value"])
        print(rows)
        "#);
    }

    #[test]
    fn pages_with_a_key() {
        insta::assert_snapshot!(paged(&with_keys()), @r#"
        # pip install pandas requests
        import os

        import pandas as pd
        import requests

        session = requests.Session()
        session.headers["Prefer"] = "odata.maxpagesize=5000"
        session.headers["Authorization"] = f"Bearer {os.environ['CITRIX_ACCESS_KEY']}"

        def pages(url, params):
            while url:
                answer = session.get(url, params=params, timeout=600)
                if not answer.ok:
                    raise SystemExit(answer.text)
                page = answer.json()
                yield pd.DataFrame(page["value"])
                # A next link has all options in it.
                url, params = page.get("@odata.nextLink"), None

        # Rows without StartDate are not among these: the filter `StartDate eq null` finds them.
        count = 0
        for rows in pages("http://localhost:8484/monitorodata/Sessions", {
            "$filter": "StartDate ge 2026-11-15T00:00:00Z",
            "$select": "SessionKey,StartDate",
        }):
            count += len(rows)
        print(count, "rows")
        "#);
    }
}
