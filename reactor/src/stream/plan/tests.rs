use super::*;

const DELAY: Duration = Duration::from_millis(250);
const TIMEOUT: Duration = Duration::from_secs(30);

fn at(milliseconds: u64) -> Time {
    Time::from_tick(milliseconds)
}

fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn both() -> Plan {
    Plan::looked_up(vec![Family::V6, Family::V4], DELAY, TIMEOUT)
}

fn tcp(address: &str) -> Address {
    Address::Tcp(address.parse().unwrap())
}

fn tries(address: &str) -> Step {
    Step::Try(tcp(address))
}

/// What is tried when each attempt fails at once.
fn order(plan: &mut Plan) -> Vec<String> {
    let mut order = Vec::new();
    while let Step::Try(address) = plan.next(at(1_000)) {
        order.extend(address.tcp().map(|address| address.ip().to_string()));
        plan.failed(&address);
    }
    order
}

#[test]
fn ipv6_addresses_that_come_first_are_tried_at_once() {
    let mut plan = both();
    assert_eq!(plan.next(at(0)), Step::Wait);
    plan.answered(Family::V6, addresses(&["[fd00::1]:80"]), at(7));
    assert_eq!(plan.next(at(7)), tries("[fd00::1]:80"));
    assert_eq!(plan.next(at(7)), Step::Wait, "the IPv4 ones are still to come");
}

#[test]
fn ipv4_addresses_that_come_first_wait_fifty_milliseconds_for_the_others() {
    let mut plan = both();
    plan.answered(Family::V4, addresses(&["192.0.2.1:80"]), at(10));
    assert_eq!(plan.next(at(10)), Step::WaitUntil(at(60)));
    assert_eq!(plan.next(at(59)), Step::WaitUntil(at(60)));
    assert_eq!(plan.next(at(60)), tries("192.0.2.1:80"));
}

#[test]
fn ipv6_addresses_that_come_within_the_wait_go_first() {
    let mut plan = both();
    plan.answered(Family::V4, addresses(&["192.0.2.1:80"]), at(10));
    plan.answered(Family::V6, addresses(&["[fd00::1]:80"]), at(40));
    assert_eq!(plan.next(at(40)), tries("[fd00::1]:80"));
    assert_eq!(plan.next(at(40)), Step::WaitUntil(at(290)));
}

#[test]
fn no_ipv6_addresses_end_the_wait() {
    let mut plan = both();
    plan.answered(Family::V4, addresses(&["192.0.2.1:80"]), at(10));
    plan.answered(Family::V6, Vec::new(), at(11));
    assert_eq!(plan.next(at(11)), tries("192.0.2.1:80"));
}

#[test]
fn ipv6_addresses_that_come_late_are_the_next_to_be_tried() {
    let mut plan = both();
    plan.answered(Family::V4, addresses(&["192.0.2.1:80", "192.0.2.2:80"]), at(0));
    assert_eq!(plan.next(at(50)), tries("192.0.2.1:80"));
    plan.answered(Family::V6, addresses(&["[fd00::1]:80"]), at(100));
    assert_eq!(plan.next(at(100)), Step::WaitUntil(at(300)));
    assert_eq!(plan.next(at(300)), tries("[fd00::1]:80"));
    assert_eq!(plan.next(at(550)), tries("192.0.2.2:80"));
}

#[test]
fn the_families_take_turns() {
    let mut plan = both();
    plan.answered(Family::V6, addresses(&["[fd00::1]:80", "[fd00::2]:80", "[fd00::3]:80", "[fd00::4]:80"]), at(0));
    plan.answered(Family::V4, addresses(&["192.0.2.1:80", "192.0.2.2:80"]), at(0));
    assert_eq!(order(&mut plan), ["fd00::1", "192.0.2.1", "fd00::2", "192.0.2.2", "fd00::3", "fd00::4"]);
    assert_eq!(plan.next(at(0)), Step::Over);
}

#[test]
fn addresses_that_are_given_are_tried_in_their_order() {
    let given = addresses(&["192.0.2.1:80", "192.0.2.2:80", "[fd00::1]:80"]);
    let mut plan = Plan::given(given.into_iter().map(Address::Tcp).collect(), DELAY, TIMEOUT);
    assert!(!plan.is_single());
    assert_eq!(order(&mut plan), ["192.0.2.1", "192.0.2.2", "fd00::1"]);
    assert!(Plan::given(vec![tcp("[::1]:80")], DELAY, TIMEOUT).is_single());
}

#[test]
fn an_address_that_is_told_twice_is_tried_once() {
    let mut plan = both();
    plan.answered(Family::V6, Vec::new(), at(0));
    plan.answered(Family::V4, addresses(&["192.0.2.1:80", "192.0.2.1:80"]), at(0));
    assert_eq!(order(&mut plan), ["192.0.2.1"]);
}

#[test]
fn a_failure_is_followed_by_the_next_attempt_at_once_and_by_no_more() {
    let mut plan = both();
    plan.answered(Family::V6, addresses(&["[fd00::1]:80", "[fd00::2]:80"]), at(0));
    plan.answered(Family::V4, addresses(&["192.0.2.1:80"]), at(0));
    assert_eq!(plan.next(at(0)), tries("[fd00::1]:80"));
    assert_eq!(plan.next(at(0)), Step::WaitUntil(at(250)));
    plan.failed(&tcp("[fd00::1]:80"));
    assert_eq!(plan.next(at(100)), tries("192.0.2.1:80"));
    assert_eq!(plan.next(at(100)), Step::WaitUntil(at(350)));
    assert_eq!(plan.next(at(350)), tries("[fd00::2]:80"));
    assert_eq!(plan.next(at(350)), Step::Wait, "two are under way");
    plan.failed(&tcp("192.0.2.1:80"));
    plan.failed(&tcp("[fd00::2]:80"));
    assert_eq!(plan.next(at(360)), Step::Over);
}

#[test]
fn the_delay_between_attempts_keeps_to_its_bounds() {
    for (asked, kept) in [(0, 10), (10, 10), (100, 100), (2_000, 2_000), (60_000, 2_000)] {
        let given = addresses(&["192.0.2.1:80", "192.0.2.2:80"]);
        let mut plan =
            Plan::given(given.into_iter().map(Address::Tcp).collect(), Duration::from_millis(asked), TIMEOUT);
        assert_eq!(plan.next(at(0)), tries("192.0.2.1:80"));
        assert_eq!(plan.next(at(0)), Step::WaitUntil(at(kept)));
    }
}

#[test]
fn without_addresses_it_is_over_when_the_last_answer_has_come() {
    let mut plan = both();
    plan.answered(Family::V4, Vec::new(), at(0));
    assert_eq!(plan.next(at(1_000)), Step::Wait);
    plan.answered(Family::V6, Vec::new(), at(1_000));
    assert_eq!(plan.next(at(1_000)), Step::Over);
}

/// An address of each family, of this number.
fn numbered(number: u16) -> [SocketAddr; 2] {
    [format!("[fd00::{number:x}]:80"), format!("10.0.{}.{}:80", number >> 8, number & 255)]
        .map(|text| text.parse().unwrap())
}

fn thousands() -> Plan {
    let mut plan = both();
    let (v6, v4) = (1..=2_000).map(numbered).map(|[v6, v4]| (v6, v4)).unzip();
    plan.answered(Family::V6, v6, at(0));
    plan.answered(Family::V4, v4, at(0));
    plan
}

#[test]
fn of_thousands_of_addresses_sixteen_are_tried() {
    let mut plan = thousands();
    let order = order(&mut plan);
    assert_eq!(order.len(), 16);
    assert_eq!(order.iter().filter(|address| address.contains(':')).count(), 8, "of both families: {order:?}");
    assert_eq!((plan.next(at(1_000)), plan.not_tried()), (Step::Over, 3_984));
}

#[test]
fn four_attempts_at_a_time_leave_time_for_sixteen() {
    let mut plan = thousands();
    let (mut tried, mut longest, mut now) = (Vec::new(), 0, at(0));
    let mut under_way = Vec::new();
    loop {
        match plan.next(now) {
            Step::Try(address) => {
                tried.push(now);
                under_way.push(address);
                longest = longest.max(under_way.len());
            }
            Step::GiveUp(address) => {
                assert_eq!(address, under_way.remove(0), "the earliest");
                plan.failed(&address);
            }
            Step::WaitUntil(time) => now = time,
            Step::Wait => break,
            Step::Over => panic!("four are under way"),
        }
    }
    assert_eq!((tried.len(), longest), (16, 4));
    assert_eq!(tried[4], at(7_500), "a quarter of the time");
    assert!(tried[15] < at(30_000).after(Duration::ZERO), "{tried:?}");
}

#[test]
fn an_answer_after_sixteen_attempts_is_not_waited_for() {
    let mut plan = both();
    plan.answered(Family::V6, (1..=20).map(|number| numbered(number)[0]).collect(), at(0));
    assert_eq!(order(&mut plan).len(), 16);
    assert_eq!((plan.next(at(0)), plan.not_tried()), (Step::Over, 4));
}
