//! Which connection makes room, and who waits.

use std::net::Ipv4Addr;

use futures_util::FutureExt;
use tokio::time::Instant;

use super::state::NEW_FOR;
use super::taken::CLOSING_MAX;
use super::*;

pub(in crate::server) const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Places that anybody may have.
pub(in crate::server) fn places_of(most: usize) -> Places {
    let most = NonZeroUsize::new(most).unwrap();
    Places::new(most, most)
}

async fn later() {
    tokio::time::advance(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn the_connection_that_is_idle_for_longest_makes_room() {
    let stopping = CancellationToken::new();
    let places = places_of(3);
    let first = places.take(HERE, &stopping).await.unwrap();
    later().await;
    let second = places.take(HERE, &stopping).await.unwrap();
    later().await;
    let third = places.take(HERE, &stopping).await.unwrap();
    later().await;
    // The first has been there for longest, and has had a request since.
    drop(first.state().begin());
    later().await;
    let fourth = places
        .take(HERE, &stopping)
        .now_or_never()
        .unwrap()
        .unwrap();
    assert!(second.closing().now_or_never().is_some());
    for kept in [&first, &third, &fourth] {
        assert!(kept.closing().now_or_never().is_none());
    }
    // What is closed already makes no room again.
    drop(second);
    let _fifth = places
        .take(HERE, &stopping)
        .now_or_never()
        .unwrap()
        .unwrap();
    assert!(third.closing().now_or_never().is_some());
    assert!(first.closing().now_or_never().is_none());
}

#[tokio::test(start_paused = true)]
async fn no_more_are_being_closed_than_a_few() {
    let stopping = CancellationToken::new();
    let places = places_of(1);
    let mut kept = Vec::new();
    for _ in 0..=CLOSING_MAX {
        kept.push(
            places
                .take(HERE, &stopping)
                .now_or_never()
                .unwrap()
                .unwrap(),
        );
    }
    let mut next = pin!(places.take(HERE, &stopping));
    assert!(next.as_mut().now_or_never().is_none());
    kept.remove(0);
    assert!(next.as_mut().now_or_never().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_request_under_way_is_waited_for() {
    let stopping = CancellationToken::new();
    let places = places_of(2);
    let (busy, slow) = (
        places.take(HERE, &stopping).await.unwrap(),
        places.take(HERE, &stopping).await.unwrap(),
    );
    let request = busy.state().begin();
    slow.state().set_behind(true);
    let mut third = pin!(places.take(HERE, &stopping));
    assert!(third.as_mut().now_or_never().is_none());
    for kept in [&busy, &slow] {
        assert!(kept.closing().now_or_never().is_none());
        assert_eq!(kept.state().idle_for(), None);
    }
    drop(request);
    assert!(third.as_mut().now_or_never().is_some());
    assert!(busy.closing().now_or_never().is_some());
    assert!(slow.closing().now_or_never().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_nothing_for_a_minute_makes_room_for_who_waits() {
    let stopping = CancellationToken::new();
    let places = places_of(4);
    let mut house = Vec::new();
    for _ in 0..4 {
        house.push(places.take(HERE, &stopping).await.unwrap());
    }
    let [busy, mixed, stuck, slow] = &*house else {
        panic!("four places");
    };
    let _answering = busy.state().begin();
    let mut requests: Vec<_> = [mixed, mixed, stuck]
        .map(|place| place.state().begin())
        .into();
    for request in &mut requests {
        request.set_given(true);
    }
    later().await;
    slow.state().set_behind(true);
    let began = Instant::now();
    // One of its two answers is being read.
    let reads = async {
        loop {
            tokio::time::sleep(Duration::from_secs(10)).await;
            requests[0].set_given(true);
        }
    };
    let takes = async {
        let first = places.take(HERE, &stopping).await.unwrap();
        assert!(stuck.closing().now_or_never().is_some());
        assert!(slow.closing().now_or_never().is_none());
        let waited = began.elapsed();
        assert!(waited <= STUCK_MIN + LOOK_EVERY, "{waited:?}");
        assert!(waited + Duration::from_secs(1) >= STUCK_MIN, "{waited:?}");
        let _request = first.state().begin();
        let second = places.take(HERE, &stopping).await.unwrap();
        assert!(slow.closing().now_or_never().is_some());
        let _request = second.state().begin();
        let third = timeout(Duration::from_hours(1), places.take(HERE, &stopping)).await;
        assert!(third.is_err(), "the others are in use");
    };
    tokio::select! {
        () = reads => {}
        () = takes => {}
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_left_does_not_hide_behind_others() {
    let places = places_of(1);
    let place = places.take(HERE, &CancellationToken::new()).await.unwrap();
    assert_eq!(place.state().left_for(), None);
    place.state().begin().set_given(true);
    assert_eq!(place.state().left_for(), None, "it is over");
    let mut left = place.state().begin();
    left.set_given(true);
    later().await;
    let mut other = place.state().begin();
    other.set_given(true);
    drop(place.state().begin());
    assert_eq!(place.state().left_for(), Some(Duration::from_secs(1)));
    left.set_given(false);
    assert_eq!(place.state().left_for(), Some(Duration::ZERO));
}

#[tokio::test]
async fn all_are_told_when_the_server_stops() {
    let stopping = CancellationToken::new();
    let places = places_of(1);
    let place = places.take(HERE, &stopping).await.unwrap();
    stopping.cancel();
    place.closing().await;
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// Eight places, and two of them for one address.
fn shared() -> Places {
    let [most, most_of_one] = [8, 2].map(|number| NonZeroUsize::new(number).unwrap());
    Places::new(most, most_of_one)
}

/// What comes of one more connection now; `None` when it has to wait.
fn one_more(places: &Places, client: &str) -> Option<Result<Place, TurnedAway>> {
    let stopping = CancellationToken::new();
    places.take(ip(client), &stopping).now_or_never()
}

fn has_place(places: &Places, client: &str) -> Place {
    one_more(places, client).unwrap().unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_address_with_its_share_makes_room_among_its_own() {
    let places = shared();
    let other = has_place(&places, "192.0.2.2");
    later().await;
    let first = has_place(&places, "192.0.2.1");
    later().await;
    let second = has_place(&places, "192.0.2.1");
    later().await;
    let _third = has_place(&places, "192.0.2.1");
    assert!(first.is_closing(), "idle for longest");
    assert!(!second.is_closing());
    assert!(!other.is_closing(), "it has been idle for longer");
}

#[tokio::test(start_paused = true)]
async fn an_address_with_its_share_in_use_is_turned_away_at_once_and_others_are_not() {
    let places = shared();
    let greedy = [(); 2].map(|()| has_place(&places, "192.0.2.1"));
    let [kept, ended] = greedy.each_ref().map(|place| place.state().begin());
    for _ in 0..3 {
        assert!(one_more(&places, "192.0.2.1").unwrap().is_err());
    }
    let others: Vec<_> = (2..8)
        .map(|host| has_place(&places, &format!("192.0.2.{host}")))
        .collect();
    assert!(
        others
            .iter()
            .chain(&greedy)
            .all(|place| !place.is_closing())
    );
    // Even when all places are taken, it is none of the others' that it gets.
    assert!(one_more(&places, "192.0.2.1").unwrap().is_err());
    drop(ended);
    let _next = has_place(&places, "192.0.2.1");
    assert!(greedy[1].is_closing());
    drop(kept);
}

#[tokio::test(start_paused = true)]
async fn connections_that_are_opened_at_once_do_not_close_each_other_before_they_have_asked() {
    let places = shared();
    let first = has_place(&places, "192.0.2.1");
    let asked = first.state().begin();
    let second = has_place(&places, "192.0.2.1");
    assert!(one_more(&places, "192.0.2.1").unwrap().is_err());
    // One that has asked is used to it, however new.
    drop(asked);
    let third = has_place(&places, "192.0.2.1");
    assert!(first.is_closing());
    tokio::time::advance(NEW_FOR.mul_f64(0.9)).await;
    assert!(one_more(&places, "192.0.2.1").unwrap().is_err());
    let _answering = third.state().begin();
    assert!(one_more(&places, "192.0.2.1").unwrap().is_err());
    assert!(!second.is_closing() && !third.is_closing());
    // Whoever opens connections and says nothing does not keep them.
    tokio::time::advance(NEW_FOR.mul_f64(0.1)).await;
    let _fourth = has_place(&places, "192.0.2.1");
    assert!(second.is_closing());
}

#[tokio::test(start_paused = true)]
async fn what_is_new_makes_room_for_others_when_all_places_are_taken() {
    let places = shared();
    let newest = has_place(&places, "192.0.2.1");
    let others = [(); 7].map(|()| has_place(&places, "127.0.0.1"));
    let _busy = others.each_ref().map(|place| place.state().begin());
    let _next = has_place(&places, "192.0.2.2");
    assert!(newest.is_closing());
}

#[tokio::test(start_paused = true)]
async fn what_is_stuck_makes_room_for_its_own_address_too() {
    let places = shared();
    let stuck = [(); 2].map(|()| has_place(&places, "192.0.2.1"));
    for place in &stuck {
        place.state().set_behind(true);
    }
    tokio::time::advance(STUCK_MIN.mul_f64(0.9)).await;
    assert!(one_more(&places, "192.0.2.1").unwrap().is_err());
    tokio::time::advance(STUCK_MIN.mul_f64(0.1)).await;
    assert!(one_more(&places, "192.0.2.1").unwrap().is_ok());
    assert!(stuck[0].is_closing());
}

#[tokio::test(start_paused = true)]
async fn a_share_is_that_of_a_machine_however_its_address_is_written() {
    for (one, same, other) in [
        ("192.0.2.1", "::ffff:192.0.2.1", "192.0.2.2"),
        ("2001:db8::1", "2001:db8::ffff:1", "2001:db8:0:1::1"),
    ] {
        let places = shared();
        let taken = [one, same].map(|client| has_place(&places, client));
        let _busy = taken.each_ref().map(|place| place.state().begin());
        for client in [one, same] {
            assert!(one_more(&places, client).unwrap().is_err(), "{client}");
        }
        drop(has_place(&places, other));
    }
}

#[tokio::test(start_paused = true)]
async fn a_share_is_free_again_when_its_connections_are_closed() {
    let places = shared();
    for _ in 0..10 {
        let taken = [(); 2].map(|()| has_place(&places, "192.0.2.1"));
        let _busy = taken.each_ref().map(|place| place.state().begin());
        assert!(one_more(&places, "192.0.2.1").unwrap().is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn this_machine_has_all_places_and_so_has_whoever_is_allowed_to() {
    for (places, client) in [
        (shared(), "127.0.0.1"),
        (shared(), "::1"),
        (shared(), "::ffff:127.0.0.1"),
        (places_of(8), "192.0.2.1"),
    ] {
        let taken = [(); 8].map(|()| has_place(&places, client));
        let _busy = taken.each_ref().map(|place| place.state().begin());
        assert!(one_more(&places, client).is_none(), "{client} waits");
    }
}

#[tokio::test(start_paused = true)]
async fn connections_that_make_room_for_their_own_address_are_few_and_leave_room_to_others() {
    let places = shared();
    let mut greedy = Vec::new();
    for _ in 0..2 + CLOSING_MAX / 2 {
        greedy.push(has_place(&places, "192.0.2.1"));
        later().await;
    }
    assert!(one_more(&places, "192.0.2.1").unwrap().is_err());
    let others = [(); 6].map(|()| has_place(&places, "127.0.0.1"));
    let _busy = others.each_ref().map(|place| place.state().begin());
    // All are taken: one of the greedy ones makes room, though so many of them are being closed.
    drop(has_place(&places, "192.0.2.2"));
    greedy.remove(0);
    assert!(one_more(&places, "192.0.2.1").unwrap().is_ok());
}
