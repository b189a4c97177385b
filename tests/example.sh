#!/usr/bin/env bash
# The examples as a user calls them.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --quiet --example decode --example campaign
errors=$(mktemp)
trap 'rm -f "$errors"' EXIT
decode=${CARGO_TARGET_DIR:-target}/debug/examples/decode
campaign=${CARGO_TARGET_DIR:-target}/debug/examples/campaign

fail() { echo "example: $*" >&2; exit 1; }
expect() { [ "$2" = "$3" ] || fail "$1: got $2, expected $3"; }

opted_out='{"code":403,"message":"Recipient is opted out: 447700900123"}'
"$decode" 403 "$opted_out" | grep -q '"kind": "opted_out"' || fail "one response"
printf %s "$opted_out" | "$decode" 403 - | grep -q '"kind": "opted_out"' || fail "standard input"
"$decode" 000 '' | grep -q '"kind": "no_response"' || fail "curl's 000"

log='{"status":200,"body":"{\"id\":\"m-1\"}"}
not a line
{"status":502,"body":"<html>"}'
code=0
out=$(printf '%s\n' "$log" | "$decode" --jsonl 2> "$errors") || code=$?
expect "a log's exit status" "$code" 1
expect "a log's lines" "$(wc -l <<< "$out")" 2
grep -q '^decode: line 2: ' "$errors" || fail "a bad line is reported with its number"
printf '{"status":200,"body":""}' | "$decode" --jsonl > /dev/null || fail "a good log"

batch='{"id":"b-1","recipients":[{"reference":"r-1"}]}'
"$decode" --batch 200 "$batch" | grep -q '"reference": "r-1"' || fail "a batch"
printf '{"status":502,"body":""}' | "$decode" --batch --jsonl | grep -q server_error || fail "a batch's log"

for arguments in "403" "70000 {}" "x {}" "--json" "403 {} more" "-1 {}" "--batch"; do
  code=0
  # shellcheck disable=SC2086
  "$decode" $arguments < /dev/null > /dev/null 2> "$errors" || code=$?
  expect "exit status of $arguments" "$code" 2
  grep -q '^usage: ' "$errors" || fail "no usage for $arguments"
done

{ "$decode"; "$decode" --all; } | LC_ALL=C.UTF-8 grep -Eq '.{101}' && fail "a line of more than 100 columns"
"$decode" | grep -q $'\x1b' && fail "a pipe gets no color"
"$decode" | grep -q '^     opted out: suppress the recipient; circuit breaker: continue$' || fail "what to do"
kinds='accepted
bad request
unauthorized
out of credit
opted out
batch opted out
forbidden
rate limited
server error
misconfigured
unconfirmed
no response'
expect "one of each kind" "$("$decode" | sed -n 's/^     \([a-z ]*\): .*/\1/p')" "$kinds"
"$decode" | head -n 1 > /dev/null || fail "a closed pipe"
(set +o pipefail; yes '{"status":200,"body":""}' | "$decode" --jsonl | head -n 1 > /dev/null)

table=$("$campaign") || fail "a campaign did harm"
expect "a second campaign" "$("$campaign")" "$table"
LC_ALL=C grep -q '[^ -~]' <<< "$table" && fail "a pipe gets plain lines alone"
grep -Eq '.{101}' <<< "$table" && fail "a line of more than 100 columns"
grep -q '^accepted .* texted twice  *0$' <<< "$table" || fail "the campaign's table"
grep -q '^[0-9]* requests, [1-9][0-9]* of them batches$' <<< "$table" || fail "the campaign's batches"
for reason in account service "rate limit" "bad requests" "opt outs"; do
  grep -q "^send .* stop ($reason): " <<< "$table" || fail "no stop: $reason"
done
grep -q 'the probe got through' <<< "$table" || fail "no probe"
"$campaign" | head -n 1 > /dev/null || fail "a closed pipe"
echo "ok"
