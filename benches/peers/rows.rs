//! Collections of rows like Citrix's sessions, the same in every run.

use std::fmt::Write;

use super::cell::Size;

/// The answer of `size` from a service at `address`: one page, no next link.
pub(crate) fn collection(size: Size, address: impl std::fmt::Display) -> String {
    let set = size.set();
    let mut body =
        format!(r#"{{"@odata.context":"http://{address}/monitorodata/$metadata#{set}","value":["#);
    let mut chance = Chance(0);
    let mut number = 0;
    while body.len() < size.bytes() {
        if number > 0 {
            body.push(',');
        }
        push_row(&mut body, number, &mut chance);
        number += 1;
    }
    body.push_str("]}");
    body
}

/// A session: keys that do not compress, dates that rise, a handful of small figures, and nulls.
fn push_row(body: &mut String, number: u64, chance: &mut Chance) {
    let key = chance.guid();
    let machine = MACHINES.wrapping_mul(chance.below(400) + 1);
    let start = chance.date(number);
    let length = 180 + chance.below(300);
    let end = chance.date(number + length);
    let (logon, state, user) = (
        chance.below(40_000),
        chance.below(4) + 1,
        chance.below(2_500),
    );
    let desktop = match chance.below(6) {
        0 => "null".to_owned(),
        desktop => desktop.to_string(),
    };
    write!(
        body,
        concat!(
            r#"{{"SessionKey":"{key}","StartDate":"{start}","LogOnDuration":{logon},"EndDate":"{end}","ExitCode":0,"#,
            r#""FailureId":null,"FailureDate":null,"ConnectionState":{state},"SessionIdleTime":null,"#,
            r#""ConnectionStateChangeDate":"{end}","LifecycleState":1,"CurrentConnectionId":{number},"UserId":{user},"#,
            r#""MachineId":"c49aaabc-65c6-405b-969f-{machine:012x}","SessionType":{kind},"IsAnonymous":false,"#,
            r#""PublishedDesktopId":{desktop},"CreatedDate":"{start}","ModifiedDate":"{end}"}}"#,
        ),
        key = key,
        start = start,
        logon = logon,
        end = end,
        state = state,
        number = number,
        user = user,
        machine = machine & 0xffff_ffff_ffff,
        kind = chance.below(2),
        desktop = desktop,
    )
    .unwrap();
}

/// Numbers without a pattern (`SplitMix64`), the same in every run.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn guid(&mut self) -> String {
        let (high, low) = (self.next(), self.next());
        format!(
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xffff,
            low >> 48,
            low & 0xffff_ffff_ffff,
        )
    }

    /// A moment of the given minute, counted from a first of August.
    fn date(&mut self, minute: u64) -> String {
        let (day, hour) = (minute / 1440 % 31 + 1, minute / 60 % 24);
        let (second, millisecond) = (self.below(60), self.below(1000));
        format!(
            "2026-08-{day:02}T{hour:02}:{:02}:{second:02}.{millisecond:03}Z",
            minute % 60
        )
    }
}

/// Spreads the numbers of machines over their keys.
const MACHINES: u64 = 0x9e37_79b9_7f4a_7c15;
