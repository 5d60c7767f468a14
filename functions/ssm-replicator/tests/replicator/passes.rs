//! What a full pass writes, and what it costs.

use ports::FailureKind;
use protocol::maintenance::PassOutcome;
use protocol::parameters::entry::{Kind, Tags, Tier};
use protocol::plan::Existing;
use twin::InjectedFault;

use crate::scene::{FROM, Scene, TO, play, sentence, shop};

#[test]
fn everything_of_a_parameter_is_kept_and_the_copy_is_marked() {
    play(async || {
        let scene = Scene::new();
        let stores = &scene.stores;
        stores.set(FROM, "/shop/db/password", "hunter2");
        stores.change(FROM, "/shop/db/password", |stored| {
            stored.head.kind = Kind::SecureString;
            stored.head.key = Some("alias/shop".to_owned());
            stored.head.tier = Tier::Advanced;
            stored.head.description = "the password".to_owned();
            stored.head.allowed_pattern = "^[a-z0-9]+$".to_owned();
            stored.head.policies = vec![r#"{"Type":"NoChangeNotification"}"#.to_owned()];
            stored.tags = Tags::from([
                ("team".to_owned(), "web".to_owned()),
                ("aws:cloudformation:stack-name".to_owned(), "x".to_owned()),
            ]);
            stored.versions[0].labels = ["live".to_owned()].into();
        });
        stores.set(FROM, "/shop/hosts", "a,b");
        stores.change(FROM, "/shop/hosts", |stored| stored.head.kind = Kind::TextList);
        let answer = scene.pass().await.unwrap();
        assert_eq!(
            sentence(&answer),
            "Parameters of us-east-2 were copied to us-west-1: 2 created, 0 updated, 0 tagged or labelled, 0 \
             deleted; 0 are the same, 0 differ on purpose."
        );
        let copy = scene.get(TO, "/shop/db/password").unwrap();
        let source = scene.get(FROM, "/shop/db/password").unwrap();
        assert_eq!(copy.value(), source.value());
        assert_eq!(copy.head.key.as_deref(), Some("arn:aws:kms:us-west-1:123456789012:alias/shop"));
        assert_eq!((copy.head.kind, copy.head.tier), (Kind::SecureString, Tier::Advanced));
        assert_eq!(copy.head.description, "the password");
        assert_eq!(copy.head.allowed_pattern, source.head.allowed_pattern);
        assert_eq!(copy.head.policies, source.head.policies);
        let tags = [("pilotlight:copied-by", "shop"), ("team", "web")];
        assert_eq!(copy.tags, tags.map(|(key, value)| (key.to_owned(), value.to_owned())).into());
        assert!(copy.versions[0].labels.contains("live"));
        assert_eq!(scene.get(TO, "/shop/hosts").unwrap().head.kind, Kind::TextList);
    });
}

#[test]
fn what_was_seen_to_be_the_same_costs_no_write_and_nothing_but_the_listing() {
    play(async || {
        let scene = Scene::new();
        scene.fill(120);
        scene.pass().await.unwrap();
        assert_eq!(scene.writes(), 120);
        // What was written is compared once more, and from then on known.
        scene.pass().await.unwrap();
        let calls = |action| scene.stores.calls(action);
        let before = ["list", "values", "tags", "labels", "put"].map(calls);
        let answer = scene.pass().await.unwrap();
        let after = ["list", "values", "tags", "labels", "put"].map(calls);
        // Three pages of the source, three of the copies, three of what is tagged.
        assert_eq!(after[0] - before[0], 9);
        assert_eq!(after[1..], before[1..]);
        assert_eq!(scene.writes(), 120);
        assert_eq!(answer["same"], 120);
    });
}

#[test]
fn so_many_changes_are_so_many_writes() {
    play(async || {
        let scene = Scene::new();
        scene.fill(200);
        scene.pass().await.unwrap();
        scene.pass().await.unwrap();
        let before = (scene.writes(), scene.stores.calls("values"));
        for n in [3, 77, 199] {
            scene.stores.set(FROM, &format!("/shop/p/{n:05}"), "changed");
        }
        let answer = scene.pass().await.unwrap();
        assert_eq!((answer["written"].clone(), answer["same"].clone()), (3.into(), 197.into()));
        assert_eq!(scene.writes() - before.0, 3);
        // One call for the three values on each side.
        assert_eq!(scene.stores.calls("values") - before.1, 2);
        assert_eq!(scene.value(TO, "/shop/p/00077").as_deref(), Some("changed"));
    });
}

#[test]
fn a_copy_that_somebody_else_wrote_is_made_right_again() {
    play(async || {
        let scene = Scene::new();
        scene.fill(3);
        scene.pass().await.unwrap();
        scene.pass().await.unwrap();
        scene.stores.set(TO, "/shop/p/00001", "by hand");
        let answer = scene.pass().await.unwrap();
        assert_eq!(answer["written"], 1);
        assert_eq!(scene.value(TO, "/shop/p/00001").as_deref(), Some("value 1"));
    });
}

#[test]
fn a_memory_that_is_lost_costs_reads_and_no_write() {
    play(async || {
        let scene = Scene::new();
        scene.fill(30);
        scene.pass().await.unwrap();
        scene.pass().await.unwrap();
        scene.stores.inner().seen = b"no fingerprints at all, and half of one".to_vec();
        scene.stores.fault("load_seen", InjectedFault::Fails(FailureKind::Denied));
        let answer = scene.pass().await.unwrap();
        assert_eq!((answer["same"].clone(), scene.writes()), (30.into(), 30));
        let read = scene.stores.calls("values");
        scene.pass().await.unwrap();
        assert_eq!(scene.stores.calls("values"), read);
    });
}

#[test]
fn an_override_is_not_written_and_one_that_is_missing_is_told() {
    play(async || {
        let scene = Scene::new();
        for region in [FROM, TO] {
            scene.stores.set(region, "/shop/db/endpoint", region);
        }
        let answer = scene.pass().await.unwrap();
        assert_eq!((answer["overridden"].clone(), scene.writes()), (1.into(), 0));
        assert_eq!(scene.value(TO, "/shop/db/endpoint").as_deref(), Some(TO));
        scene.stores.set(FROM, "/shop/cache/endpoint", "x");
        let fault = scene.pass().await.unwrap_err();
        assert_eq!(fault.code, "not_all_copied");
        let told = "parameters.overrides lists /shop/cache/endpoint, but it does not exist in us-west-1: \
                    create it there with its own value.";
        assert!(fault.message.ends_with(told), "{}", fault.message);
        assert_eq!(scene.writes(), 0);
    });
}

/// Parameter Store takes an image's id that its region does not have with a good answer, and drops it later: what is put
/// would be put again by each pass, and the readiness would call it the same.
#[test]
fn ami_parameter_is_not_copied_in_silence() {
    play(async || {
        let scene = Scene::new();
        let stores = &scene.stores;
        let outcome = || scene.world.inner().parameter_pass.clone().map(|pass| pass.outcome);
        let as_image = |region: &str| {
            stores.change(region, "/shop/image", |stored| stored.head.data_type = "aws:ec2:image".to_owned());
        };
        stores.set(FROM, "/shop/image", "ami-0aaa");
        as_image(FROM);
        for _ in 0..2 {
            let fault = scene.pass().await.unwrap_err();
            assert_eq!(fault.code, "not_all_copied");
            let words = "/shop/image is not written in us-west-1: its data type is aws:ec2:image, and each \
                         region has its own image ids; list it under parameters.overrides, and set it to the \
                         id of the image in us-west-1";
            assert!(fault.message.contains(words), "{}", fault.message);
            let Some(PassOutcome::Compared { same: 0, differing: 1, why: Some(why), .. }) = outcome() else {
                panic!("{:?}", outcome());
            };
            assert_eq!(why, words);
        }
        assert_eq!((scene.writes(), scene.value(TO, "/shop/image")), (0, None));
        let fault = scene.changed(FROM, "/shop/image").await.unwrap_err();
        assert_eq!((fault.code, scene.writes()), ("not_copied", 0));
        // With an id of its own on the other side, too: which of them is right, no copying can know.
        stores.set(TO, "/shop/image", "ami-0bbb");
        as_image(TO);
        scene.pass().await.unwrap_err();
        assert_eq!((scene.writes(), scene.value(TO, "/shop/image").as_deref()), (0, Some("ami-0bbb")));
    });
}

#[test]
fn a_data_type_that_parameter_store_does_not_change_is_blocked_with_the_remedy() {
    play(async || {
        let scene = Scene::new();
        scene.stores.set(FROM, "/shop/image", "latest");
        scene.stores.set(TO, "/shop/image", "ami-0bbb");
        scene.stores.change(TO, "/shop/image", |stored| {
            stored.head.data_type = "aws:ec2:image".to_owned();
            stored.tags.insert("pilotlight:copied-by".to_owned(), "shop".to_owned());
        });
        let fault = scene.pass().await.unwrap_err();
        assert!(fault.message.contains("delete the copy in us-west-1"), "{}", fault.message);
        assert_eq!(scene.writes(), 0);
        let drift = scene.drift().await;
        assert_eq!(drift["differs"][0]["differs"][0], "data type", "{drift:#}");
    });
}

#[test]
fn what_is_excluded_is_not_even_read() {
    play(async || {
        let scene = Scene::new();
        scene.stores.set(FROM, "/shop/scratch/a", "x");
        scene.stores.set(FROM, "/other/a", "x");
        scene.stores.set(FROM, "/shop/a", "x");
        scene.pass().await.unwrap();
        assert_eq!(scene.stores.inner().values_read[FROM], ["/shop/a"]);
        assert_eq!(scene.stores.store(TO).keys().collect::<Vec<_>>(), ["/shop/a"]);
    });
}

#[test]
fn what_was_there_before_and_is_no_copy_is_written_only_if_it_is_adopted() {
    play(async || {
        let mut scene = Scene::new();
        scene.stores.set(FROM, "/shop/url", "https://east");
        scene.stores.set(TO, "/shop/url", "https://west");
        scene.stores.set(FROM, "/shop/same", "x");
        scene.stores.set(TO, "/shop/same", "x");
        let fault = scene.pass().await.unwrap_err();
        let told = "/shop/url is not written in us-west-1 although it differs in value: it already existed \
                    there and is not a copy; list it under parameters.overrides, or set parameters.existing to \
                    adopt.";
        assert!(fault.message.ends_with(told), "{}", fault.message);
        assert_eq!(scene.writes(), 0);
        scene.plan.parameters.as_mut().unwrap().existing = Existing::Adopt;
        let scene = scene.beside(scene.plan.clone());
        let answer = scene.pass().await.unwrap();
        assert_eq!((answer["written"].clone(), answer["same"].clone()), (1.into(), 1.into()));
        assert_eq!(scene.value(TO, "/shop/url").as_deref(), Some("https://east"));
        assert!(!scene.is_copy(TO, "/shop/url"), "what was not made here is never deleted");
    });
}

#[test]
fn a_type_that_differs_needs_a_person_and_the_rest_goes_on() {
    play(async || {
        let scene = Scene::new();
        scene.fill(2);
        scene.pass().await.unwrap();
        scene.stores.change(FROM, "/shop/p/00000", |stored| stored.head.kind = Kind::SecureString);
        scene.stores.set(FROM, "/shop/p/00000", "secret now");
        scene.stores.set(FROM, "/shop/p/00001", "changed");
        let fault = scene.pass().await.unwrap_err();
        assert!(fault.message.contains("1 updated"), "{}", fault.message);
        assert!(
            fault.message.contains("/shop/p/00000 is not written in us-west-1: its type differs"),
            "{}",
            fault.message
        );
        assert_eq!(scene.value(TO, "/shop/p/00000").as_deref(), Some("value 0"));
        assert_eq!(scene.value(TO, "/shop/p/00001").as_deref(), Some("changed"));
    });
}

#[test]
fn a_copy_in_the_advanced_tier_stays_there_and_policies_that_are_gone_are_taken_away() {
    play(async || {
        let scene = Scene::new();
        scene.fill(1);
        scene.stores.change(FROM, "/shop/p/00000", |stored| {
            stored.head.tier = Tier::Advanced;
            stored.head.policies = vec!["{}".to_owned()];
        });
        scene.pass().await.unwrap();
        // Made anew in the standard tier.
        scene.stores.inner().stores.get_mut(FROM).unwrap().clear();
        scene.stores.set(FROM, "/shop/p/00000", "again");
        let answer = scene.pass().await.unwrap();
        assert_eq!(answer["written"], 1);
        let copy = scene.get(TO, "/shop/p/00000").unwrap();
        assert_eq!((copy.head.tier, copy.head.policies.len()), (Tier::Advanced, 0));
        scene.pass().await.unwrap();
        assert_eq!(scene.writes(), 2);
    });
}

#[test]
fn another_key_in_the_plan_is_a_difference_and_another_name_of_it_is_none() {
    play(async || {
        let mut scene = Scene::new();
        scene.fill(1);
        scene.stores.change(FROM, "/shop/p/00000", |stored| stored.head.kind = Kind::SecureString);
        scene.pass().await.unwrap();
        for (key, writes) in
            [("alias/shop", 1), ("arn:aws:kms:us-west-1:123456789012:key/1234", 1), ("alias/other", 2)]
        {
            scene.plan.parameters.as_mut().unwrap().keys.recovery = Some(key.to_owned());
            scene = scene.beside(scene.plan.clone());
            scene.pass().await.unwrap();
            assert_eq!(scene.writes(), writes, "{key}");
        }
    });
}

#[test]
fn writes_keep_to_the_plans_rate() {
    play(async || {
        let scene = Scene::new();
        scene.fill(20);
        scene.stores.inner().puts_per_second_max = Some(3);
        scene.pass().await.unwrap();
        let inner = scene.stores.inner();
        assert_eq!(inner.written.len(), 20);
        for pair in inner.written.windows(3) {
            assert!(pair[2].at.duration_since(pair[0].at).as_millis() >= 990, "{pair:?}");
        }
        assert_eq!(inner.calls[&("put", TO.to_owned())], 20, "nothing was throttled");
    });
}

#[test]
fn throttling_slows_the_writes_down_until_they_fit() {
    play(async || {
        let mut plan = shop();
        plan.parameters.as_mut().unwrap().puts_per_second = 10;
        let scene = Scene::of(plan);
        scene.fill(40);
        scene.stores.inner().puts_per_second_max = Some(2);
        let answer = scene.pass().await.unwrap();
        assert_eq!((answer["made"].clone(), scene.writes()), (40.into(), 40));
        let refused = scene.stores.calls("put") - 40;
        assert!(refused < 40, "{refused} of 40 were refused: it does not slow down");
    });
}

#[test]
fn a_refused_parameter_is_told_and_the_others_are_written() {
    play(async || {
        let scene = Scene::new();
        scene.fill(5);
        scene.stores.inner().refused.push("/shop/p/00002".to_owned());
        let fault = scene.pass().await.unwrap_err();
        assert_eq!(scene.writes(), 4);
        assert!(fault.message.contains("4 created"), "{}", fault.message);
        assert!(fault.message.contains("/shop/p/00002: put: "), "{}", fault.message);
    });
}

#[test]
fn a_lost_answer_is_not_written_twice() {
    play(async || {
        let scene = Scene::new();
        scene.fill(3);
        scene.stores.fault("put", InjectedFault::LosesAnswer);
        scene.pass().await.unwrap_err();
        assert_eq!(scene.writes(), 3);
        scene.pass().await.unwrap();
        assert_eq!(scene.writes(), 3);
    });
}

#[test]
fn a_pass_that_runs_out_of_time_is_taken_up_by_the_next_without_double_work() {
    play(async || {
        let mut scene = Scene::new();
        scene.fill(300);
        scene.invocation = jiff::SignedDuration::from_secs(80);
        let mut passes = 0;
        loop {
            let began = ports::Clock::now(&*scene.clock);
            let answer = scene.pass().await.unwrap();
            passes += 1;
            let took = ports::Clock::now(&*scene.clock).duration_since(began);
            assert!(took < scene.invocation, "{took:?}");
            if answer["left"] == 0 {
                break;
            }
            assert!(sentence(&answer).ends_with("wait for the next pass: the function's time is up."));
        }
        // 60 s of two writes a second.
        assert_eq!(passes, 3);
        assert_eq!((scene.writes(), scene.stores.calls("put")), (300, 300));
    });
}

#[test]
fn a_page_that_is_throttled_is_asked_for_again() {
    play(async || {
        let scene = Scene::new();
        scene.fill(60);
        for kind in [FailureKind::Throttled, FailureKind::Throttled, FailureKind::Unavailable] {
            scene.stores.fault("list", InjectedFault::Fails(kind));
        }
        scene.pass().await.unwrap();
        assert_eq!(scene.writes(), 60);
    });
}

#[test]
fn a_lost_region_ends_a_pass_within_seconds_and_nothing_is_written() {
    play(async || {
        for lost in [FROM, TO] {
            let scene = Scene::new();
            scene.fill(3);
            scene.stores.inner().lost.push(lost.to_owned());
            let began = ports::Clock::now(&*scene.clock);
            let fault = scene.pass().await.unwrap_err();
            assert_eq!(fault.code, "parameters_unreadable");
            assert!(fault.message.starts_with(
                "Parameters of us-east-2 and us-west-1 can't be read, so this pass writes and deletes nothing \
                 more: "
            ));
            let took = ports::Clock::now(&*scene.clock).duration_since(began);
            assert!(took.as_secs() < 3, "{took:?}");
            assert_eq!(scene.writes(), 0);
        }
    });
}

#[test]
fn a_destination_that_falls_silent_amid_the_writes_ends_the_pass() {
    play(async || {
        let scene = Scene::new();
        scene.fill(40);
        for _ in 0..3 {
            scene.stores.fault("put", InjectedFault::Fails(FailureKind::Unreachable));
        }
        let fault = scene.pass().await.unwrap_err();
        assert!(
            fault.message.contains("wait for the next pass: us-west-1 does not answer"),
            "{}",
            fault.message
        );
        assert_eq!((scene.writes(), scene.stores.calls("put")), (0, 3));
    });
}

#[test]
fn drift_names_what_differs_and_writes_nothing() {
    play(async || {
        let scene = Scene::new();
        scene.fill(4);
        scene.pass().await.unwrap();
        scene.stores.set(FROM, "/shop/p/00000", "changed");
        scene.stores.change(FROM, "/shop/p/00001", |stored| stored.head.description = "new".to_owned());
        scene.stores.change(FROM, "/shop/p/00003", |stored| {
            stored.tags.insert("team".to_owned(), "web".to_owned());
        });
        scene.stores.set(FROM, "/shop/new", "x");
        scene.stores.inner().stores.get_mut(FROM).unwrap().remove("/shop/p/00002");
        scene.hold(60).await;
        let before = scene.writes();
        let drift = scene.drift().await;
        assert_eq!(sentence(&drift), "5 parameters differ between us-east-2 and us-west-1, of 4.");
        let differs: Vec<(&str, String)> = drift["differs"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| (one["name"].as_str().unwrap(), one["differs"].to_string()))
            .collect();
        let expected = [
            ("/shop/p/00002", r#"["gone"]"#),
            ("/shop/new", r#"["missing"]"#),
            ("/shop/p/00000", r#"["value"]"#),
            ("/shop/p/00001", r#"["description"]"#),
            ("/shop/p/00003", r#"["tags"]"#),
        ];
        assert_eq!(differs, expected.map(|(name, what)| (name, what.to_owned())));
        assert!(drift["standstill"].as_str().unwrap().starts_with("Nothing is copied: a hold by ana"));
        assert_eq!(scene.writes(), before);
    });
}

/// The readiness reads what a pass came to: what is the same, how many differ still, or why nobody knows.
#[test]
fn what_a_pass_came_to_is_kept_for_the_readiness() {
    play(async || {
        let scene = Scene::new();
        let kept =
            || scene.world.inner().parameter_pass.clone().map(|pass| (pass.from, pass.to, pass.outcome));
        scene.stores.set(FROM, "/shop/a", "one");
        scene.stores.set(FROM, "/shop/b", "two");
        assert_eq!(kept(), None);
        scene.pass().await.unwrap();
        let compared = |same, differing, why: Option<&str>| {
            let outcome =
                PassOutcome::Compared { same, overridden: 0, differing, why: why.map(str::to_owned) };
            Some((FROM.to_owned(), TO.to_owned(), outcome))
        };
        assert_eq!(kept(), compared(2, 0, None));
        scene.stores.set(FROM, "/shop/a", "three");
        scene.stores.fault("put", InjectedFault::Fails(FailureKind::Denied));
        let fault = scene.pass().await.unwrap_err();
        let Some((_, _, PassOutcome::Compared { same: 1, differing: 1, why: Some(why), .. })) = kept() else {
            panic!("{:?}", kept());
        };
        assert!(why.starts_with("/shop/a") && fault.message.contains(why.trim_end_matches('.')), "{why}");
        scene.stores.fault("list", InjectedFault::Fails(FailureKind::Denied));
        let fault = scene.pass().await.unwrap_err();
        let failed = PassOutcome::Failed { why: fault.message.chars().take(300).collect() };
        assert_eq!(kept(), Some((FROM.to_owned(), TO.to_owned(), failed)));
        scene.pass().await.unwrap();
        assert_eq!(kept(), compared(2, 0, None));
        // A change by itself is no pass.
        scene.stores.set(FROM, "/shop/c", "four");
        scene.changed(FROM, "/shop/c").await.unwrap();
        assert_eq!(kept(), compared(2, 0, None));
    });
}
