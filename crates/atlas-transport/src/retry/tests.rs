use super::*;

fn answered(status: u16, retry_after: Option<u64>) -> Outcome {
    Outcome::Answered {
        status: StatusCode::from_u16(status).unwrap(),
        retry_after: retry_after.map(Duration::from_secs),
    }
}

#[test]
fn a_retry_depends_on_the_outcome_and_on_idempotence() {
    let policy = RetryPolicy::default();
    let again = |idempotent, outcome: &Outcome| {
        matches!(
            policy.decide(1, idempotent, outcome, 0.0),
            Decision::Retry(_)
        )
    };
    for (outcome, idempotent, post) in [
        (Outcome::NotSent, true, true),
        (Outcome::NoResponse, true, false),
        (Outcome::InvalidResponse, false, false),
        (answered(429, None), true, true),
        (answered(503, None), true, false),
        (answered(503, Some(1)), true, true),
        (answered(408, None), true, false),
        (answered(500, None), true, false),
        (answered(502, None), true, false),
        (answered(504, None), true, false),
        (answered(200, Some(1)), false, false),
        (answered(301, Some(1)), false, false),
        (answered(401, None), false, false),
        (answered(404, None), false, false),
        (answered(409, None), false, false),
        (answered(501, None), false, false),
        (answered(505, None), false, false),
        (answered(520, None), true, false),
    ] {
        assert_eq!(again(true, &outcome), idempotent, "{outcome:?}");
        assert_eq!(again(false, &outcome), post, "POST: {outcome:?}");
    }
}

#[test]
fn waits_double_up_to_a_bound_and_are_random_from_zero() {
    let policy = RetryPolicy::default().max_attempts(u32::MAX);
    let wait = |attempt, random| match policy.decide(attempt, true, &Outcome::NoResponse, random) {
        Decision::Retry(wait) => wait.as_millis(),
        Decision::Stop => panic!("{attempt}"),
    };
    for (attempt, bound) in [(1, 1000), (2, 2000), (5, 16_000), (6, 20_000), (99, 20_000)] {
        assert_eq!(wait(attempt, 0.0), 0);
        assert_eq!(wait(attempt, 0.5), bound / 2);
        assert_eq!(wait(attempt, 1.0), bound);
    }
}

#[test]
fn a_server_may_request_a_wait_up_to_the_cap() {
    let policy = RetryPolicy::default();
    for (asked, waited) in [(0, 0), (7, 7), (60, 60), (3600, 60)] {
        let decision = policy.decide(1, false, &answered(429, Some(asked)), 0.5);
        assert_eq!(decision, Decision::Retry(Duration::from_secs(waited)));
    }
}

#[test]
fn attempts_are_bounded_and_the_policy_none_has_no_retry() {
    let policy = RetryPolicy::default();
    assert!(matches!(
        policy.decide(2, true, &Outcome::NoResponse, 0.0),
        Decision::Retry(_)
    ));
    assert_eq!(
        policy.decide(3, true, &Outcome::NoResponse, 0.0),
        Decision::Stop
    );
    let none = RetryPolicy::none();
    assert_eq!(none.decide(1, true, &Outcome::NotSent, 0.0), Decision::Stop);
}

#[test]
fn the_budget_runs_out_in_an_outage_and_comes_back_with_successes() {
    let mut budget = RetryBudget::new();
    let mut last = None;
    let mut retries = 0;
    while let Some(drawn) = budget.draw(&Outcome::NoResponse) {
        (last, retries) = (Some(drawn), retries + 1);
    }
    assert_eq!((retries, budget.left()), (35, 10));
    assert!(budget.draw(&answered(429, None)).is_some(), "costs less");
    budget.succeeded(None);
    assert_eq!(budget.left(), 6);
    budget.succeeded(last);
    assert_eq!(budget.left(), 20);
    for _ in 0..1000 {
        budget.succeeded(None);
    }
    assert_eq!(budget.left(), RetryBudget::CAPACITY);
}

#[test]
fn a_retry_costs_less_only_after_a_429() {
    for (outcome, cost) in [
        (answered(429, None), 5),
        (answered(503, Some(1)), 14),
        (answered(500, None), 14),
        (Outcome::NotSent, 14),
    ] {
        let mut budget = RetryBudget::new();
        budget.draw(&outcome).unwrap();
        assert_eq!(RetryBudget::CAPACITY - budget.left(), cost, "{outcome:?}");
    }
}

#[test]
fn no_policy_and_no_random_number_makes_a_decision_panic() {
    let extremes = [Duration::ZERO, Duration::from_nanos(1), Duration::MAX];
    let numbers = [0.0, 1.0, -1.0, 2.0, f64::NAN, f64::INFINITY, f64::MIN];
    for base_delay in extremes {
        for max_delay in extremes {
            let policy = RetryPolicy {
                max_attempts: u32::MAX,
                base_delay,
                max_delay,
                retry_after_cap: Duration::MAX,
            };
            for attempt in [0, 1, 32, 33, u32::MAX - 1, u32::MAX] {
                for random in numbers {
                    let outcomes = [Outcome::NoResponse, answered(429, Some(u64::MAX))];
                    for outcome in outcomes {
                        let _ = policy.decide(attempt, true, &outcome, random);
                    }
                }
            }
            let decision = policy.decide(1, true, &Outcome::NoResponse, 1.0);
            assert_eq!(decision, Decision::Retry(base_delay.min(max_delay)));
        }
    }
}

#[test]
fn the_first_wait_is_bounded_by_the_setting() {
    let policy = RetryPolicy::default().base_delay(Duration::from_secs(8));
    let decision = policy.decide(1, true, &Outcome::NoResponse, 1.0);
    assert_eq!(decision, Decision::Retry(Duration::from_secs(8)));
    assert_eq!(policy.max_attempts, RetryPolicy::default().max_attempts);
}

#[test]
fn an_outcome_is_shown_in_one_or_two_words() {
    for (outcome, shown) in [
        (Outcome::NotSent, "not sent"),
        (Outcome::NoResponse, "no response"),
        (Outcome::InvalidResponse, "invalid response"),
        (answered(503, Some(1)), "503"),
    ] {
        assert_eq!(outcome.to_string(), shown);
    }
}

#[test]
fn each_bound_is_set_alone() {
    let default = RetryPolicy::default();
    let seven = Duration::from_secs(7);
    let set = RetryPolicy {
        max_attempts: 7,
        ..default
    };
    assert_eq!(RetryPolicy::none().max_attempts(7), set);
    let all = set
        .base_delay(seven)
        .max_delay(seven)
        .retry_after_cap(seven);
    assert_eq!(
        all,
        RetryPolicy {
            max_attempts: 7,
            base_delay: seven,
            max_delay: seven,
            retry_after_cap: seven,
        }
    );
}
