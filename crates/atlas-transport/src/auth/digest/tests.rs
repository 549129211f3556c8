use http::header::WWW_AUTHENTICATE;

use super::*;

fn session() -> DigestSession {
    DigestSession::new("public", "private".into())
}

fn challenged(text: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.append(WWW_AUTHENTICATE, text.parse().unwrap());
    headers
}

fn nonce(nonce: &str, stale: bool) -> HeaderMap {
    challenged(&format!(
        "Digest realm=\"MMS Public API\", domain=\"\", nonce=\"{nonce}\", \
         algorithm=MD5, qop=\"auth\", stale={stale}"
    ))
}

fn send(session: &mut DigestSession) -> (Option<String>, Ticket) {
    match session.prepare("GET", "/a?b=c").unwrap() {
        DigestStep::Send {
            authorization: header,
            ticket,
        } => (
            header.map(|value| value.to_str().unwrap().to_owned()),
            ticket,
        ),
        step => panic!("{step:?}"),
    }
}

const REFUSED: StatusCode = StatusCode::UNAUTHORIZED;

fn started() -> DigestSession {
    let mut session = session();
    let (header, ticket) = send(&mut session);
    assert_eq!(header, None);
    let verdict = session.observe(ticket, 1, REFUSED, &nonce("n1", false));
    assert_eq!(verdict, Verdict::Retry);
    session
}

fn accepted() -> DigestSession {
    let mut session = started();
    let (_, ticket) = send(&mut session);
    session.observe(ticket, 2, StatusCode::OK, &HeaderMap::new());
    session
}

fn waits(session: &mut DigestSession) -> bool {
    matches!(session.prepare("GET", "/").unwrap(), DigestStep::Wait)
}

#[test]
fn a_challenge_is_kept_and_its_uses_are_counted() {
    let mut session = started();
    for count in 1..=3 {
        let (header, ticket) = send(&mut session);
        let header = header.unwrap();
        assert!(header.contains("nonce=\"n1\""), "{header}");
        assert!(header.contains(&format!("nc=0000000{count}")), "{header}");
        assert!(header.contains("uri=\"/a?b=c\""), "{header}");
        let verdict = session.observe(ticket, 1, StatusCode::OK, &HeaderMap::new());
        assert_eq!(verdict, Verdict::Done);
    }
}

#[test]
fn others_wait_for_the_first_probe_and_one_takes_over_when_it_is_abandoned() {
    let mut session = session();
    let (_, ticket) = send(&mut session);
    assert!(ticket.probes);
    assert!(matches!(
        session.prepare("GET", "/").unwrap(),
        DigestStep::Wait
    ));
    session.abandon(ticket);
    assert!(send(&mut session).1.probes);
}

#[test]
fn a_wrong_key_is_final() {
    let mut session = started();
    let (_, ticket) = send(&mut session);
    let verdict = session.observe(ticket, 2, REFUSED, &nonce("n2", false));
    assert_eq!(verdict, Verdict::Refused);
}

#[test]
fn a_stale_nonce_is_replaced_a_limited_number_of_times() {
    let mut session = started();
    let (_, ticket) = send(&mut session);
    let verdict = session.observe(ticket, 2, REFUSED, &nonce("n2", true));
    assert_eq!(verdict, Verdict::Retry);
    let (header, ticket) = send(&mut session);
    assert!(
        header
            .unwrap()
            .contains("nonce=\"n2\", algorithm=MD5, nc=00000001")
    );
    let verdict = session.observe(ticket, 3, REFUSED, &nonce("n3", true));
    assert_eq!(verdict, Verdict::Refused);
}

#[test]
fn a_plain_refusal_after_a_success_is_challenged_once_more() {
    let mut session = started();
    let (_, ticket) = send(&mut session);
    session.observe(ticket, 1, StatusCode::NOT_FOUND, &HeaderMap::new());
    let (_, ticket) = send(&mut session);
    let verdict = session.observe(ticket, 1, REFUSED, &nonce("n2", false));
    assert_eq!(verdict, Verdict::Retry);
    let (_, ticket) = send(&mut session);
    let verdict = session.observe(ticket, 2, REFUSED, &nonce("n3", false));
    assert_eq!(verdict, Verdict::Refused);
}

#[test]
fn only_a_sess_algorithm_keeps_its_cnonce() {
    for (algorithm, kept) in [("MD5-sess", true), ("MD5", false)] {
        let mut session = session();
        let (_, ticket) = send(&mut session);
        let challenge =
            format!("Digest realm=\"r\", nonce=\"n\", qop=\"auth\", algorithm={algorithm}");
        session.observe(ticket, 1, REFUSED, &challenged(&challenge));
        let (header, ticket) = send(&mut session);
        session.observe(ticket, 2, StatusCode::OK, &HeaderMap::new());
        let cnonce = |header: String| header.split("cnonce=").nth(1).unwrap()[..34].to_owned();
        let first = cnonce(header.unwrap());
        let second = cnonce(send(&mut session).0.unwrap());
        assert_eq!(first == second, kept, "{algorithm}");
    }
}

#[test]
fn a_late_refusal_of_an_old_nonce_does_not_replace_a_newer_challenge() {
    let mut session = accepted();
    let (_, early) = send(&mut session);
    let (_, late) = send(&mut session);
    session.observe(early, 1, REFUSED, &nonce("n2", true));
    assert_eq!(
        session.observe(late, 1, REFUSED, &nonce("n1", true)),
        Verdict::Retry
    );
    assert!(send(&mut session).0.unwrap().contains("nonce=\"n2\""));
}

#[test]
fn a_next_nonce_is_used_from_the_next_call_on() {
    let mut session = started();
    let (_, ticket) = send(&mut session);
    let mut info = HeaderMap::new();
    info.insert(
        "authentication-info",
        "nextnonce=\"n2\", nc=00000001".parse().unwrap(),
    );
    let verdict = session.observe(ticket, 1, StatusCode::OK, &info);
    assert_eq!(verdict, Verdict::Done);
    let (header, ticket) = send(&mut session);
    let header = header.unwrap();
    assert!(
        header.contains("nonce=\"n2\", algorithm=MD5, nc=00000001"),
        "{header}"
    );
    // The nonce may have expired by then; these keys are known to be right.
    let verdict = session.observe(ticket, 1, REFUSED, &nonce("n3", false));
    assert_eq!(verdict, Verdict::Retry);
}

#[test]
fn a_count_out_of_order_is_retried_alone_whichever_refusal_comes_first() {
    for swapped in [false, true] {
        let mut session = accepted();
        let (_, one) = send(&mut session);
        let (_, two) = send(&mut session);
        // The second request arrives first at a server that requires counts in order: both are refused.
        let (first, second) = if swapped { (two, one) } else { (one, two) };
        let verdict = session.observe(first, 1, REFUSED, &nonce("n2", false));
        assert_eq!(verdict, Verdict::Retry);
        let verdict = session.observe(second, 1, REFUSED, &nonce("n3", false));
        assert_eq!(verdict, Verdict::Retry);
        let (header, alone) = send(&mut session);
        assert!(header.unwrap().contains("nonce=\"n2\""));
        assert!(alone.verifies && waits(&mut session));
        session.observe(alone, 2, StatusCode::OK, &HeaderMap::new());
        let (_, other) = send(&mut session);
        assert!(!other.verifies && !waits(&mut session));
    }
}

#[test]
fn one_call_verifies_the_keys_and_each_other_call_is_refused_once() {
    let mut wrong = started();
    let (_, tries) = send(&mut wrong);
    assert!(waits(&mut wrong));
    let refused = nonce("n2", false);
    assert_eq!(wrong.observe(tries, 2, REFUSED, &refused), Verdict::Refused);
    for _ in 0..3 {
        let (_, other) = send(&mut wrong);
        let verdict = wrong.observe(other, 1, REFUSED, &refused);
        assert_eq!(
            verdict,
            Verdict::Refused,
            "no further request with wrong keys"
        );
    }
}

#[test]
fn an_abandoned_verification_is_taken_over() {
    let mut session = started();
    let (_, ticket) = send(&mut session);
    assert!(ticket.verifies && waits(&mut session));
    session.abandon(ticket);
    assert!(send(&mut session).1.verifies);
}

#[test]
fn the_strongest_challenge_is_answered_and_basic_never() {
    let mut session = session();
    let (_, ticket) = send(&mut session);
    let mut headers = challenged("Basic realm=\"a\"");
    for algorithm in ["MD5", "SHA-256", "TURTLE"] {
        let value =
            format!("Digest realm=\"a, b\", nonce=\"n\", qop=\"auth\", algorithm={algorithm}");
        headers.append(WWW_AUTHENTICATE, value.parse().unwrap());
    }
    assert_eq!(
        session.observe(ticket, 1, REFUSED, &headers),
        Verdict::Retry
    );
    assert!(send(&mut session).0.unwrap().contains("algorithm=SHA-256"));
}

#[test]
fn an_unsupported_challenge_is_refused_before_a_secret_is_sent() {
    for (challenge, answerable) in [
        ("Basic realm=\"a\"", Verdict::Refused),
        (
            "Digest realm=\"a\", nonce=\"n\", qop=\"auth\", algorithm=TURTLE",
            Verdict::Unanswerable(String::new()),
        ),
        ("Digest realm=\"a\"", Verdict::Unanswerable(String::new())),
    ] {
        let mut session = session();
        let (_, ticket) = send(&mut session);
        let verdict = session.observe(ticket, 1, REFUSED, &challenged(challenge));
        assert_eq!(
            std::mem::discriminant(&verdict),
            std::mem::discriminant(&answerable),
            "{challenge}: {verdict:?}"
        );
        assert!(matches!(session.state, State::Unchallenged), "{challenge}");
    }
}

#[test]
fn a_success_without_a_digest_says_nothing_about_the_keys() {
    let mut session = session();
    let (_, lead) = send(&mut session);
    session.observe(lead, 1, StatusCode::OK, &HeaderMap::new());
    let (_, lead) = send(&mut session);
    session.observe(lead, 1, REFUSED, &nonce("n1", false));
    let (header, _) = send(&mut session);
    assert!(header.is_some());
    assert!(waits(&mut session), "a single call verifies the keys");
}

#[test]
fn a_late_success_does_not_end_a_probe_that_another_call_leads() {
    let mut session = accepted();
    let (_, late) = send(&mut session);
    session.state = State::Probing;
    session.observe(late, 1, StatusCode::OK, &HeaderMap::new());
    assert!(waits(&mut session));
}

#[test]
fn a_late_response_to_an_old_nonce_does_not_affect_the_newer_one() {
    let mut session = accepted();
    let (_, refused) = send(&mut session);
    let (_, late) = send(&mut session);
    session.observe(refused, 1, REFUSED, &nonce("n2", false));
    let (_, alone) = send(&mut session);
    let mut info = HeaderMap::new();
    info.insert("authentication-info", "nextnonce=\"n1b\"".parse().unwrap());
    session.observe(late, 1, StatusCode::OK, &info);
    assert!(alone.verifies && waits(&mut session));
    session.observe(alone, 2, StatusCode::OK, &HeaderMap::new());
    assert!(send(&mut session).0.unwrap().contains("nonce=\"n2\""));
}

#[test]
fn an_algorithm_is_named_without_a_qop_where_the_challenge_names_one() {
    for (named, answered) in [(", algorithm=md5", true), ("", false)] {
        let mut session = session();
        let (_, ticket) = send(&mut session);
        let challenge = format!("Digest realm=\"r\", nonce=\"n\"{named}");
        session.observe(ticket, 1, REFUSED, &challenged(&challenge));
        let header = send(&mut session).0.unwrap();
        assert_eq!(header.ends_with(", algorithm=MD5"), answered, "{header}");
        assert_eq!(header.contains("algorithm"), answered, "{header}");
    }
}

#[test]
fn a_ticket_has_the_number_of_its_challenge() {
    let mut session = session();
    for (number, answer) in ["n1", "n2", "n3"].into_iter().enumerate() {
        let (_, ticket) = send(&mut session);
        assert_eq!(ticket.generation(), number as u64);
        session.observe(ticket, 1, REFUSED, &nonce(answer, true));
    }
}

#[test]
fn other_requests_wait_only_for_a_probe_and_a_verification_of_the_keys() {
    let mut session = session();
    let (_, probe) = send(&mut session);
    assert!(probe.is_waited_for());
    session.observe(probe, 1, REFUSED, &nonce("n1", false));
    let (_, trial) = send(&mut session);
    assert!(trial.is_waited_for());
    session.observe(trial, 2, StatusCode::OK, &HeaderMap::new());
    assert!(!send(&mut session).1.is_waited_for());
}

#[test]
fn abandoning_a_request_ends_only_its_own_probe() {
    let mut session = accepted();
    let (_, plain) = send(&mut session);
    session.state = State::Probing;
    session.abandon(plain);
    assert!(waits(&mut session), "another request probes");
    let mut session = self::session();
    let (_, probe) = send(&mut session);
    session.observe(probe, 1, REFUSED, &nonce("n1", false));
    session.abandon(probe);
    assert!(
        send(&mut session).0.is_some(),
        "the challenge is still available"
    );
}

#[test]
fn a_used_up_nonce_is_replaced_by_a_probe() {
    let mut session = accepted();
    let State::Challenged { responder, .. } = &mut session.state else {
        panic!("expected a challenge");
    };
    responder.use_up();
    let (header, ticket) = send(&mut session);
    assert!(header.is_none() && ticket.probes);
}

#[test]
fn debug_shows_the_state_of_the_keys_and_not_the_keys() {
    assert_eq!(
        format!("{:?}", accepted()),
        "DigestSession { generation: 1, keys: Accepted, .. }"
    );
}
