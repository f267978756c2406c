#!/usr/bin/env bash
# curl: what a script or a curious person would try first.
#
# usage: curl.sh SERVICE_ROOT
#
# The functions are called by name, and what is in single quotes is OData or Python.
# shellcheck disable=SC2016,SC2317
set -euo pipefail

root=${1:?usage: curl.sh SERVICE_ROOT}
root=${root%/}
origin=$(sed -E 's|^([a-z]+://[^/]+)/.*|\1|' <<<"$root")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failures=0

# ask ARGUMENTS: runs curl; leaves $status, $headers and $body.
ask() {
  status=$(curl --silent --show-error --globoff --max-time 60 --output "$folder/body" --dump-header "$folder/headers" \
    --write-out '%{http_code}' "$@")
  headers=$(tr -d '\r' <"$folder/headers")
  body=$(tr -d '\0' <"$folder/body")
}

# is STATUS [HEADER...]: the last answer has this status and these lines in its head (extended patterns).
is() {
  [[ $status == "$1" ]] || { echo "$1 expected, got $status ${body:0:200}"; return 1; }
  shift
  local line
  for line; do
    grep -Eiq "^$line\$" <<<"$headers" || { echo "no header $line in: ${headers//$'\n'/ | }"; return 1; }
  done
}

# json EXPRESSION: true of the body, which is `it`.
json() {
  python3 -c 'import json, sys
with open(sys.argv[1], encoding="utf-8") as file:
    it = json.load(file)
sys.exit(not eval(sys.argv[2]))' "$folder/body" "$1" || { echo "not so: $1, in ${body:0:200}"; return 1; }
}

# check NAME FUNCTION: one line, as the other clients print it.
check() {
  local why
  if why=$("$2" 2>&1); then
    echo "ok   curl: $1"
  else
    echo "FAIL curl: $1: ${why//$'\n'/ }"
    failures=$((failures + 1))
  fi
}

json_type='content-type: application/json;odata.metadata=minimal;odata.streaming=true;charset=utf-8'

plain() {
  ask "$root/Sessions" && is 200 "$json_type" 'odata-version: 4.0' 'cache-status: citrix-odata-proxy;.*' &&
    json 'len(it["value"]) > 0 and list(it) == ["@odata.context", "value"]'
}

compressed() {
  ask "$root/Sessions" && is 200 || return 1
  cp "$folder/body" "$folder/plain"
  ask --compressed "$root/Sessions" && is 200 "$json_type" || return 1
  [[ -s $folder/plain ]] && cmp "$folder/plain" "$folder/body"
}

head_only() {
  ask --head "$root/Machines" && is 200 "$json_type" 'odata-version: 4.0'
}

spaces() {
  ask --get --data-urlencode "\$filter=Name ne 'nobody & nothing'" --data-urlencode '$top=3' "$root/Machines" &&
    is 200 && json 'len(it["value"]) == 3'
}

error_body() {
  ask --get --data-urlencode '$filter=Nonsense eq 1' "$root/Machines" && is 400 'content-type: application/json.*' 'odata-version: 4.0' &&
    json 'it["error"]["code"] and "Nonsense" in it["error"]["message"]'
}

count() {
  ask "$root/Machines" && is 200 || return 1
  local rows
  rows=$(python3 -c 'import json, sys; print(len(json.load(open(sys.argv[1], encoding="utf-8"))["value"]))' "$folder/body")
  ask "$root/Machines/\$count" && is 200 'content-type: text/plain.*' || return 1
  [[ $rows -gt 0 && $body == "$rows" ]] || { echo "/\$count is $body, rows are $rows"; return 1; }
}

key() {
  ask "$root/Machines?\$top=1&\$select=Id" && is 200 || return 1
  local id
  id=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1], encoding="utf-8"))["value"][0]["Id"])' "$folder/body")
  ask "$root/Machines($id)" && is 200 "$json_type" && json "it['Id'] == '$id'" &&
    ask "$root/Machines(00000000-0000-0000-0000-000000000000)" && is 404 && json 'it["error"]["message"]'
}

json_batch() {
  ask --header 'Content-Type: application/json' --header 'Prefer: odata.continue-on-error' --data '{"requests":[
      {"id":"a","method":"get","url":"Machines"},
      {"id":"b","method":"get","url":"Nonsense"},
      {"id":"c","method":"get","url":"Machines","dependsOn":["b"]},
      {"id":"d","method":"get","url":"/monitorodata/Machines/$count"},
      {"id":"e","method":"delete","url":"Machines"}]}' "$root/\$batch" &&
    is 200 'content-type: application/json' 'odata-version: 4.0' 'preference-applied: odata.continue-on-error' &&
    json '[(one["id"], one["status"]) for one in it["responses"]] == [("a", 200), ("b", 404), ("c", 424), ("d", 200), ("e", 405)]' &&
    json 'str(len(it["responses"][0]["body"]["value"])) == it["responses"][3]["body"]' &&
    json 'all(one["body"]["error"]["message"] for one in it["responses"] if one["status"] >= 400)'
}

multipart_batch() {
  printf -- '--b\r\nContent-Type: application/http\r\n\r\nGET Machines?$top=2 HTTP/1.1\r\n\r\n\r\n--b--\r\n' >"$folder/batch"
  ask --header 'Content-Type: multipart/mixed; boundary=b' --data-binary "@$folder/batch" "$root/\$batch" &&
    is 200 'content-type: multipart/mixed; boundary=[^"; ]+' || return 1
  [[ $body == *$'\r\n\r\nHTTP/1.1 200 OK\r\n'* && $body == *'"value":['* ]] || { echo "the batch is ${body:0:300}"; return 1; }
}

large_batch() {
  head --bytes=3000000 /dev/zero >"$folder/zeros"
  ask --header 'Content-Type: application/json' --header 'Expect:' --data-binary "@$folder/zeros" "$root/\$batch" &&
    is 413 && json 'it["error"]["code"] == "RequestTooLarge"'
}

query_in_body() {
  ask "$root/Machines?\$top=3&\$select=Id,Name" && is 200 || return 1
  cp "$folder/body" "$folder/plain"
  ask --header 'Content-Type: text/plain' --data '$select=Id,Name&$top=3' "$root/Machines/\$query" && is 200 "$json_type" || return 1
  cmp "$folder/plain" "$folder/body" || return 1
  ask --data-urlencode '$filter=Nonsense eq 1' "$root/Machines/\$query" && is 400 && json '"Nonsense" in it["error"]["message"]'
}

# By name, so that the resolver of the machine has its say.
by_name() {
  [[ $origin == http://127.0.0.1:* ]] || return 0
  local named=${root/127.0.0.1/localhost}
  ask "$named/Machines?\$top=1" && is 200 && json "it['@odata.context'].startswith('$named/')"
}

http_1_0() {
  ask --http1.0 "$root/Sessions" && is 200 && json 'len(it["value"]) > 0'
}

status_pages() {
  ask "$origin/healthz" && is 200 && ask "$origin/readyz" && is 200 &&
    ask "$origin/metrics" && is 200 'content-type: text/plain.*' && [[ $body == *'# HELP '* ]] &&
    ask "$origin/api/status" && is 200 'content-type: application/json.*' && json 'isinstance(it, dict)' &&
    ask "$origin/" && is 200 'content-type: text/html.*'
}

check "a collection" plain
check "--compressed" compressed
check "--head" head_only
check "--data-urlencode" spaces
check "an error body" error_body
check "\$count" count
check "a key" key
check "a JSON batch" json_batch
check "a multipart batch" multipart_batch
check "a batch that is too large" large_batch
check "a query in a body" query_in_body
check "localhost by name" by_name
check "HTTP/1.0" http_1_0
check "pages for people and probes" status_pages
exit $((failures > 0))
