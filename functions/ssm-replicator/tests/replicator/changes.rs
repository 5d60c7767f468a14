//! What one change event does.

use serde_json::json;

use crate::scene::{FROM, Scene, TO, play, sentence, two_accounts};

#[test]
fn a_change_is_copied_and_the_same_event_again_writes_nothing() {
    play(async || {
        let scene = Scene::new();
        scene.stores.set(FROM, "/shop/db/url", "one");
        let answer = scene.changed(FROM, "/shop/db/url").await.unwrap();
        assert_eq!(sentence(&answer), "/shop/db/url is created in us-west-1.");
        assert!(scene.is_copy(TO, "/shop/db/url"));
        scene.stores.set(FROM, "/shop/db/url", "two");
        let answer = scene.changed(FROM, "/shop/db/url").await.unwrap();
        assert_eq!(sentence(&answer), "/shop/db/url is written in us-west-1: it differed in value.");
        for _ in 0..3 {
            let answer = scene.changed(FROM, "/shop/db/url").await.unwrap();
            assert_eq!(sentence(&answer), "Nothing to do: /shop/db/url is already the same in us-west-1.");
        }
        assert_eq!((scene.writes(), scene.value(TO, "/shop/db/url").as_deref()), (2, Some("two")));
    });
}

#[test]
fn an_event_of_the_region_that_is_copied_to_reads_and_writes_nothing() {
    play(async || {
        let scene = Scene::new();
        scene.stores.set(FROM, "/shop/db/url", "one");
        scene.changed(FROM, "/shop/db/url").await.unwrap();
        let calls = scene.stores.inner().calls.clone();
        let answer = scene.changed(TO, "/shop/db/url").await.unwrap();
        assert!(
            sentence(&answer)
                .starts_with("Nothing to do: /shop/db/url changed in us-west-1, which only receives copies")
        );
        assert_eq!(scene.stores.inner().calls, calls);
    });
}

#[test]
fn what_the_plan_does_not_speak_of_or_leaves_as_it_is_is_not_read() {
    play(async || {
        let scene = Scene::new();
        for (name, words) in [
            ("/other/x", "Nothing to do: the plan does not cover /other/x."),
            ("/shop/scratch/x", "Nothing to do: the plan does not cover /shop/scratch/x."),
            ("/pilotlight/shop/plan/0", "Nothing to do: the plan does not cover /pilotlight/shop/plan/0."),
            (
                "/shop/db/endpoint",
                "Nothing to do: parameters.overrides lists /shop/db/endpoint, so it may differ.",
            ),
        ] {
            scene.stores.set(FROM, name, "x");
            assert_eq!(sentence(&scene.changed(FROM, name).await.unwrap()), words);
        }
        assert!(scene.stores.inner().calls.is_empty());
    });
}

#[test]
fn an_event_of_another_region_or_account_is_an_error() {
    play(async || {
        let mut scene = Scene::new();
        scene.stores.set(FROM, "/shop/a", "x");
        let fault = scene.changed("eu-west-1", "/shop/a").await.unwrap_err();
        assert_eq!(fault.code, "foreign_event");
        assert_eq!(
            fault.message,
            "A parameter of account 123456789012 in eu-west-1 changed, but this plan covers 123456789012 in \
             us-east-2 and us-west-1"
        );
        for place in [&mut scene.plan.sides.primary, &mut scene.plan.sides.recovery] {
            place.account = "999999999999".to_owned();
        }
        assert_eq!(scene.changed(FROM, "/shop/a").await.unwrap_err().code, "foreign_event");
        assert_eq!(scene.writes(), 0);
    });
}

#[test]
fn a_plan_of_two_accounts_takes_each_regions_events_from_its_own_account() {
    play(async || {
        let mut scene = Scene::of(two_accounts());
        scene.stores.set(FROM, "/shop/a", "one");
        let answer = scene.changed(FROM, "/shop/a").await.unwrap();
        assert_eq!(sentence(&answer), "/shop/a is created in us-west-1.");
        let writes = scene.writes();
        for (account, region) in [("123456789012", FROM), ("210987654321", TO), ("999999999999", FROM)] {
            let event = json!({
                "source": "aws.ssm", "detail-type": "Parameter Store Change", "account": account, "region": region,
                "resources": [format!("arn:aws:ssm:{region}:{account}:parameter/shop/a")],
                "detail": { "operation": "Update", "name": "/shop/a", "type": "String" },
            });
            let fault = scene.invoke(&event).await.unwrap_err();
            assert_eq!(fault.code, "foreign_event");
            assert_eq!(
                fault.message,
                format!(
                    "A parameter of account {account} in {region} changed, but this plan covers 210987654321 \
                     in us-east-2 and 123456789012 in us-west-1"
                )
            );
        }
        assert_eq!(scene.writes(), writes);
        // The function would reach another account than the plan says: in none of them anything is read or written.
        for reached in [None, Some("333333333333".to_owned()), Some("123456789012".to_owned())] {
            scene.primary_account = reached;
            for fault in [scene.pass().await, scene.changed(FROM, "/shop/a").await] {
                let fault = fault.unwrap_err();
                assert_eq!(fault.code, "wrong_account");
                assert!(fault.message.starts_with(
                    "Nothing is copied: in the plan, us-east-2 belongs to account 210987654321, but this function would act in account "
                ));
            }
        }
        assert_eq!(scene.writes(), writes);
    });
}

#[test]
fn a_function_with_a_role_that_its_plan_does_not_know_copies_nothing() {
    play(async || {
        let mut scene = Scene::new();
        scene.stores.set(FROM, "/shop/a", "one");
        scene.primary_account = Some("210987654321".to_owned());
        assert_eq!(scene.pass().await.unwrap_err().code, "wrong_account");
        assert!(scene.stores.inner().calls.is_empty());
    });
}

#[test]
fn a_label_goes_to_the_copys_current_version_and_one_on_an_earlier_version_needs_a_person() {
    play(async || {
        let scene = Scene::new();
        scene.stores.set(FROM, "/shop/a", "one");
        scene.changed(FROM, "/shop/a").await.unwrap();
        let label = |version: usize| {
            scene.stores.change(FROM, "/shop/a", |stored| {
                stored.versions.iter_mut().for_each(|version| version.labels.clear());
                stored.versions[version].labels.insert("live".to_owned());
            });
        };
        label(0);
        let answer = scene.changed(FROM, "/shop/a").await.unwrap();
        assert_eq!(sentence(&answer), "/shop/a is written in us-west-1: it differed in labels.");
        // A new version does not take the label along; it moves when its owner moves it.
        scene.stores.set(FROM, "/shop/a", "two");
        scene.changed(FROM, "/shop/a").await.unwrap();
        assert!(scene.get(TO, "/shop/a").unwrap().versions[0].labels.contains("live"));
        label(1);
        scene.changed(FROM, "/shop/a").await.unwrap();
        let versions = scene.get(TO, "/shop/a").unwrap().versions;
        assert!(versions[0].labels.is_empty() && versions[1].labels.contains("live"));
        label(0);
        let fault = scene.changed(FROM, "/shop/a").await.unwrap_err();
        assert_eq!(
            fault.message,
            "/shop/a has the label live on its current version in us-west-1, but the source has that label on \
             an earlier version; move the label by hand"
        );
    });
}

#[test]
fn tags_that_the_source_gained_are_set_and_those_of_the_copy_alone_stay() {
    play(async || {
        let scene = Scene::new();
        scene.stores.set(FROM, "/shop/a", "one");
        scene.changed(FROM, "/shop/a").await.unwrap();
        scene.stores.change(TO, "/shop/a", |stored| {
            stored.tags.insert("cost".to_owned(), "west".to_owned());
        });
        scene.stores.change(FROM, "/shop/a", |stored| {
            stored.tags.insert("team".to_owned(), "web".to_owned());
        });
        scene.changed(FROM, "/shop/a").await.unwrap();
        let tags = scene.get(TO, "/shop/a").unwrap().tags;
        assert_eq!(tags.keys().collect::<Vec<_>>(), ["cost", "pilotlight:copied-by", "team"]);
        assert_eq!(scene.stores.calls("put"), 1);
    });
}

#[test]
fn somebody_else_who_makes_the_copy_first_is_not_written_over() {
    play(async || {
        let scene = Scene::new();
        scene.stores.set(FROM, "/shop/a", "one");
        scene.stores.fault("put", twin::InjectedFault::Fails(ports::FailureKind::Conflict));
        let answer = scene.changed(FROM, "/shop/a").await.unwrap();
        assert_eq!(
            sentence(&answer),
            "Another writer changed /shop/a in the meantime; the next pass handles it."
        );
        assert_eq!(scene.writes(), 0);
    });
}
