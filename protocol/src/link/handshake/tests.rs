use super::*;

fn key(seed: u8) -> LinkKey {
    LinkKey::from_secret(&[seed; 32]).unwrap()
}

fn ticket(key: &LinkKey, pod: &str) -> Ticket {
    key.issue(TicketClaims {
        namespace: "default".into(),
        pod: pod.into(),
        pool: "pool".into(),
        expires_epoch_seconds: 100,
    })
}

async fn meet(
    ticket: &Ticket,
    trusted: &LinkKey,
    peer: &LinkKey,
    expected_pod: &str,
    now: u64,
) -> (Result<Role, HandshakeError>, Result<TicketClaims, HandshakeError>) {
    let (mut environment, mut other) = tokio::io::duplex(4_096);
    let trusted = trusted.public_key();
    let environment =
        async move { open_as_environment(&mut environment, ticket, &trusted, Dialler::Peer).await };
    let peer = async move {
        let opening = read_opening(&mut other).await?;
        accept_environment(&mut other, peer, Role::Gateway, opening, Some(("default", expected_pod)), now)
            .await
    };
    tokio::join!(environment, peer)
}

#[tokio::test]
async fn both_sides_prove_themselves() {
    let key = key(1);
    let (environment, peer) = meet(&ticket(&key, "a"), &key, &key, "a", 99).await;
    assert_eq!(environment.unwrap(), Role::Gateway);
    assert_eq!(peer.unwrap().pod, "a");
}

#[tokio::test]
async fn a_stranger_cannot_reach_into_an_environment() {
    let (own, stranger) = (key(1), key(2));
    let (environment, _) = meet(&ticket(&own, "a"), &own, &stranger, "a", 99).await;
    assert!(matches!(environment, Err(HandshakeError::Distrust(Distrust::Mismatch))));
}

#[tokio::test]
async fn a_stranger_cannot_act_as_an_environment() {
    let (own, stranger) = (key(1), key(2));
    let (_, peer) = meet(&ticket(&stranger, "a"), &own, &own, "a", 99).await;
    assert!(matches!(peer, Err(HandshakeError::Distrust(Distrust::Mismatch))));
}

#[tokio::test]
async fn another_pods_ticket_and_an_expired_one_are_refused() {
    let key = key(1);
    let (_, peer) = meet(&ticket(&key, "b"), &key, &key, "a", 99).await;
    assert!(matches!(peer, Err(HandshakeError::Distrust(Distrust::Mismatch))));
    let (_, peer) = meet(&ticket(&key, "a"), &key, &key, "a", 100).await;
    assert!(matches!(peer, Err(HandshakeError::Distrust(Distrust::Expired))));
}

#[tokio::test]
async fn a_pod_that_dials_both_sides_cannot_stand_between_them() {
    let key = key(1);
    let ticket = ticket(&key, "a");
    let (mut environment, mut towards_environment) = tokio::io::duplex(4_096);
    let (mut towards_operator, mut operator) = tokio::io::duplex(4_096);
    let trusted = key.public_key();
    let victim = async move {
        open_as_environment(&mut environment, &ticket, &trusted, Dialler::Peer).await.map(drop)
    };
    let deceived = async move {
        let opening = read_opening(&mut operator).await?;
        accept_environment(&mut operator, &key, Role::Operator, opening, None, 99).await.map(drop)
    };
    let relay = tokio::io::copy_bidirectional(&mut towards_environment, &mut towards_operator);
    let (victim, deceived, _) = tokio::join!(victim, deceived, relay);
    assert!(matches!(victim, Err(HandshakeError::Distrust(Distrust::Mismatch))));
    assert!(deceived.is_err());
}

#[tokio::test]
async fn gateway_and_operator_prove_themselves_to_each_other() {
    for (operators, gateways, trusted) in [(1, 1, true), (1, 2, false)] {
        let (mut gateway, mut operator) = tokio::io::duplex(4_096);
        let dial = async move { open_as_gateway(&mut gateway, &key(gateways), "g").await };
        let accept = async move {
            let opening = read_opening(&mut operator).await?;
            accept_gateway(&mut operator, &key(operators), opening).await
        };
        let (dialled, accepted) = tokio::join!(dial, accept);
        assert_eq!(dialled.is_ok(), trusted);
        assert_eq!(accepted.is_ok(), trusted);
    }
}
