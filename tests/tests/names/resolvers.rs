//! Resolvers of a program's own, and the cache around one.

use std::cell::{Cell, RefCell};
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use lariat::names::{Answer, Cache, Family, Resolver};
use lariat::testing::{Simulation, secs, simulated};
use lariat::{Deferred, Error, ErrorKind, Failure, MainLoop, Once, Peer, Reactor};
use lariat_tests::downstream::Shared;
use lariat_tests::harness::{Log, outcome};

/// What is asked, and who is to be answered.
#[derive(Clone, Default)]
struct Desk {
    asked: Shared<Vec<String>>,
    waiting: Shared<Vec<lariat::Resolver<Answer>>>,
    cancelled: Rc<Cell<usize>>,
}

impl Desk {
    fn asked(&self) -> Vec<String> {
        self.asked.with(|asked| asked.clone())
    }

    /// Answers the question that came first.
    fn answer(&self, answer: impl Into<Result<Answer, Error>>) {
        let first = self.waiting.with(|waiting| waiting.remove(0));
        assert!(first.settle(answer.into().map_err(Into::into)).is_ok(), "somebody waits");
    }
}

impl Resolver for Desk {
    fn resolve(&self, reactor: &Reactor, name: &str, family: Family) -> Deferred<Answer> {
        self.asked.with(|asked| asked.push(format!("{name} {family:?}")));
        let cancelled = self.cancelled.clone();
        let (resolver, answer) = Deferred::with_canceller(reactor, move |_| cancelled.set(cancelled.get() + 1));
        self.waiting.with(|waiting| waiting.push(resolver));
        answer
    }
}

/// A loop in virtual time whose names are asked for at a desk.
fn at_a_desk(cached: bool) -> (MainLoop, Desk) {
    let (main_loop, desk) = (simulated(), Desk::default());
    if cached {
        main_loop.set_resolver(Cache::new(desk.clone()));
    } else {
        main_loop.set_resolver(desk.clone());
    }
    (main_loop, desk)
}

fn turn(main_loop: &mut MainLoop) {
    for _ in 0..5 {
        main_loop.turn(Some(Duration::ZERO)).expect("it turns");
    }
}

fn wait(main_loop: &mut MainLoop, time: Duration) {
    let slept = main_loop.sleep(time);
    main_loop.block_on(slept).expect("it turns").expect("it sleeps");
}

fn addresses(texts: &[&str]) -> Answer {
    Answer::new(texts.iter().map(|text| text.parse::<IpAddr>().expect("an address")))
}

type Looked = Rc<RefCell<Vec<Result<usize, Error>>>>;

/// Looks up a name; how many addresses were found, or why none, is added to what is returned.
fn look_up(reactor: &Reactor, name: &str, looked: &Looked) {
    let looked = looked.clone();
    reactor.look_up(name, Family::V4).finish(move |result| {
        let result = result.map(|answer| answer.addresses.len());
        let result = result.map_err(|failure: Failure| failure.downcast().expect("an error of the reactor"));
        looked.replace_with(|old| std::mem::take(old).into_iter().chain([result]).collect());
    });
}

#[test]
fn a_resolver_is_asked_for_both_families_and_for_nothing_that_is_known_without_it() {
    let (mut main_loop, desk) = at_a_desk(false);
    for description in ["tcp:127.0.0.1:1", r"tcp:\:\:1:1", "tcp:localhost:1", "tcp:a.LOCALHOST.:1", "tcp:www.test:1"] {
        main_loop.connect(description, Once::new(Log::new().probe())).finish(drop);
    }
    turn(&mut main_loop);
    assert_eq!(desk.asked(), ["www.test V6", "www.test V4"]);
}

#[test]
fn the_family_of_the_address_to_connect_from_is_the_only_one_asked_for() {
    let (mut main_loop, desk) = at_a_desk(false);
    main_loop.connect("tcp:www.test:1:bindAddress=127.0.0.1", Once::new(Log::new().probe())).finish(drop);
    turn(&mut main_loop);
    assert_eq!(desk.asked(), ["www.test V4"]);
}

#[test]
fn a_connection_is_made_where_the_resolver_says() {
    let (mut main_loop, desk) = at_a_desk(false);
    let server = Log::new();
    let probe = server.probe();
    let port = main_loop.listen("tcp:0:interface=10.1.2.3", Once::new(probe)).expect("it listens");
    let to = format!("tcp:www.test:{}", port.address().port().expect("a port"));
    let outcome = outcome(main_loop.connect(&to, Once::new(Log::new().probe())));
    turn(&mut main_loop);
    desk.answer(Ok(Answer::default()));
    desk.answer(Ok(addresses(&["10.1.2.3"])));
    turn(&mut main_loop);
    assert!(outcome.take().expect("it is decided").is_ok());
    assert!(server.is_made());
}

#[test]
fn whoever_gives_up_has_the_resolver_told() {
    let (mut main_loop, desk) = at_a_desk(false);
    let connected = main_loop.connect("tcp:www.test:1", Once::new(Log::new().probe()));
    turn(&mut main_loop);
    drop(connected);
    turn(&mut main_loop);
    assert_eq!(desk.cancelled.get(), 2);
}

#[test]
fn what_is_not_needed_any_more_is_given_up() {
    let (mut main_loop, desk) = at_a_desk(false);
    let port = main_loop.listen("tcp:0", Once::new(Log::new().probe())).expect("it listens");
    let to = format!("tcp:www.test:{}", port.address().port().expect("a port"));
    main_loop.connect(&to, Once::new(Log::new().probe())).finish(drop);
    turn(&mut main_loop);
    desk.answer(Ok(addresses(&["::1"])));
    turn(&mut main_loop);
    assert_eq!(desk.cancelled.get(), 1, "the answer about IPv4 is of no use");
}

#[test]
fn a_resolver_that_panics_is_a_failure_of_that_name_alone() {
    struct Panics;

    impl Resolver for Panics {
        fn resolve(&self, _: &Reactor, name: &str, _: Family) -> Deferred<Answer> {
            panic!("no idea about {name}");
        }
    }

    Simulation::check(1..=2, |sim| {
        sim.allow_panics();
        let reactor = sim.host("client").reactor();
        for cached in [false, true] {
            if cached {
                reactor.set_resolver(Cache::new(Panics));
            } else {
                reactor.set_resolver(Panics);
            }
            let told = Rc::new(Cell::new(false));
            let tell = told.clone();
            reactor.connect("tcp:www.test:1", Once::new(Log::new().probe())).finish(move |result| {
                tell.set(result.is_err_and(|failure| failure.to_string().contains("panicked")));
            });
            sim.run()?;
            assert!(told.get());
        }
        Ok(())
    });
}

#[test]
fn who_asks_while_the_same_question_is_under_way_shares_the_answer() {
    let (mut main_loop, desk) = at_a_desk(true);
    let looked = Looked::default();
    for name in ["www.test", "WWW.test", "www.test", "other.test"] {
        look_up(&main_loop, name, &looked);
    }
    turn(&mut main_loop);
    assert_eq!(desk.asked(), ["www.test V4", "other.test V4"]);
    desk.answer(Ok(addresses(&["10.0.0.1", "10.0.0.2"])));
    turn(&mut main_loop);
    assert_eq!(looked.take().into_iter().map(|result| result.expect("found")).collect::<Vec<_>>(), [2, 2, 2]);
    desk.answer(Err(Error::name_unavailable("other.test")));
    turn(&mut main_loop);
    assert_eq!(looked.take().remove(0).expect_err("it failed").kind(), ErrorKind::NameUnavailable);
}

#[test]
fn a_failure_that_is_shared_keeps_its_kind_for_everybody() {
    let (mut main_loop, desk) = at_a_desk(true);
    let looked = Looked::default();
    for _ in 0..3 {
        look_up(&main_loop, "www.test", &looked);
    }
    turn(&mut main_loop);
    desk.answer(Err(Error::name_unavailable("www.test")));
    turn(&mut main_loop);
    let kinds: Vec<_> = looked.take().into_iter().map(|result| result.expect_err("it failed").kind()).collect();
    assert_eq!(kinds, [ErrorKind::NameUnavailable; 3]);
}

#[test]
fn a_question_is_given_up_when_the_last_who_asked_has() {
    let (mut main_loop, desk) = at_a_desk(true);
    let mut asked: Vec<_> = (0..3).map(|_| main_loop.look_up("www.test", Family::V4)).collect();
    turn(&mut main_loop);
    while let Some(one) = asked.pop() {
        assert_eq!(desk.cancelled.get(), 0);
        drop(one);
        turn(&mut main_loop);
    }
    assert_eq!((desk.cancelled.get(), desk.asked().len()), (1, 1));
    // Nothing is left in the way of the next one.
    let looked = Looked::default();
    look_up(&main_loop, "www.test", &looked);
    turn(&mut main_loop);
    assert_eq!(desk.asked().len(), 2);
}

#[test]
fn answers_are_kept_as_long_as_they_say_and_within_bounds() {
    let kept = [(None, 30), (Some(10), 10), (Some(3_600), 60)];
    for (lifetime, seconds) in kept {
        let (mut main_loop, desk) = at_a_desk(true);
        let looked = Looked::default();
        look_up(&main_loop, "www.test", &looked);
        turn(&mut main_loop);
        let mut answer = addresses(&["10.0.0.1"]);
        answer.lifetime = lifetime.map(secs);
        desk.answer(Ok(answer));
        turn(&mut main_loop);
        wait(&mut main_loop, secs(seconds) - Duration::from_millis(1));
        look_up(&main_loop, "www.test", &looked);
        turn(&mut main_loop);
        assert_eq!((desk.asked().len(), looked.take().len()), (1, 2), "{lifetime:?}");
        wait(&mut main_loop, Duration::from_millis(2));
        look_up(&main_loop, "www.test", &looked);
        turn(&mut main_loop);
        assert_eq!((desk.asked().len(), looked.take().len()), (2, 0), "{lifetime:?}");
    }
}

#[test]
fn an_answer_that_is_not_to_be_kept_is_not() {
    let (mut main_loop, desk) = at_a_desk(true);
    let looked = Looked::default();
    for asked in 1..=3 {
        look_up(&main_loop, "www.test", &looked);
        turn(&mut main_loop);
        assert_eq!(desk.asked().len(), asked);
        desk.answer(Ok(addresses(&["10.0.0.1"]).with_lifetime(Duration::ZERO)));
        turn(&mut main_loop);
        assert_eq!(looked.take().len(), 1);
    }
}

#[test]
fn that_there_is_nothing_is_kept_for_five_seconds_and_other_failures_are_not() {
    let absences: [fn() -> Result<Answer, Error>; 2] =
        [|| Ok(Answer::default()), || Err(Error::name_not_found("www.test"))];
    for absence in absences {
        let (mut main_loop, desk) = at_a_desk(true);
        let looked = Looked::default();
        look_up(&main_loop, "www.test", &looked);
        turn(&mut main_loop);
        desk.answer(absence());
        turn(&mut main_loop);
        wait(&mut main_loop, Duration::from_millis(4_999));
        look_up(&main_loop, "www.test", &looked);
        turn(&mut main_loop);
        let results = looked.take();
        assert_eq!((desk.asked().len(), results.len()), (1, 2));
        let kinds = results.iter().map(|result| result.as_ref().map_err(Error::kind).copied());
        let kinds: Vec<_> = kinds.collect();
        assert_eq!(kinds[0], kinds[1]);
        wait(&mut main_loop, Duration::from_millis(2));
        look_up(&main_loop, "www.test", &looked);
        turn(&mut main_loop);
        assert_eq!(desk.asked().len(), 2);
        desk.answer(Err(Error::name_unavailable("www.test")));
        turn(&mut main_loop);
        look_up(&main_loop, "www.test", &looked);
        turn(&mut main_loop);
        assert_eq!(desk.asked().len(), 3);
    }
}

#[test]
fn a_thousand_answers_are_kept_and_for_one_more_the_oldest_goes() {
    let (mut main_loop, desk) = at_a_desk(true);
    let looked = Looked::default();
    let ask = |main_loop: &mut MainLoop, number: usize| {
        let before = desk.asked().len();
        look_up(main_loop, &format!("host-{number}.test"), &looked);
        turn(main_loop);
        let is_asked = desk.asked().len() > before;
        if is_asked {
            desk.answer(Ok(addresses(&["10.0.0.1"])));
            turn(main_loop);
        }
        is_asked
    };
    for number in 0..1_000 {
        assert!(ask(&mut main_loop, number));
        if number == 0 {
            wait(&mut main_loop, Duration::from_millis(5));
        }
    }
    assert!(!ask(&mut main_loop, 0) && !ask(&mut main_loop, 999));
    assert!(ask(&mut main_loop, 1_000));
    assert!(!ask(&mut main_loop, 999) && !ask(&mut main_loop, 1_000));
    assert!(ask(&mut main_loop, 0), "it was the oldest");
}

#[test]
fn a_resolver_that_is_replaced_may_still_answer() {
    let (mut main_loop, desk) = at_a_desk(true);
    let looked = Looked::default();
    look_up(&main_loop, "www.test", &looked);
    turn(&mut main_loop);
    let other = Desk::default();
    main_loop.set_resolver(other.clone());
    look_up(&main_loop, "www.test", &looked);
    turn(&mut main_loop);
    assert_eq!((desk.asked().len(), other.asked().len()), (1, 1));
    other.answer(Ok(addresses(&["10.0.0.1"])));
    turn(&mut main_loop);
    assert_eq!(looked.take().len(), 1);
}

#[test]
fn a_loop_that_ends_fails_who_waits_for_a_name() {
    for cached in [false, true] {
        let (mut main_loop, _desk) = at_a_desk(cached);
        let told = Rc::new(Cell::new(0));
        for _ in 0..2 {
            let tell = told.clone();
            main_loop.look_up("www.test", Family::V4).finish(move |result| {
                tell.set(tell.get() + usize::from(result.is_err()));
            });
            let tell = told.clone();
            main_loop.connect("tcp:www.test:1", |_: &Peer| Log::new().probe()).finish(move |result| {
                tell.set(tell.get() + usize::from(result.is_err()));
            });
        }
        turn(&mut main_loop);
        drop(main_loop);
        assert_eq!(told.get(), 4, "{cached}");
    }
}
