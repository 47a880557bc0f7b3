//! What lists of grants do, one rule each.

use super::{Acl, Dependents, Grantable, PUBLIC, Privileges};
use crate::base::{Oid, SqlState};

const OWNER: Oid = Oid(1);
const ANN: Oid = Oid(2);
const BOB: Oid = Oid(3);
const REFUSE: (Oid, Dependents) = (OWNER, Dependents::Refuse);
const CASCADE: (Oid, Dependents) = (OWNER, Dependents::Revoke);

fn names(role: Oid) -> String {
    match role {
        OWNER => "owner",
        ANN => "ann",
        _ => "b\"ob",
    }
    .to_owned()
}

fn table() -> Acl {
    Acl::default_of(Grantable::Table, OWNER)
}

fn of(acl: &Acl, role: Oid) -> Privileges {
    acl.held(|known| known == role)
}

#[test]
fn a_new_table_is_its_owner_s_alone() {
    assert_eq!(of(&table(), OWNER), Grantable::Table.all());
    assert_eq!(of(&table(), ANN), Privileges::NONE);
    assert_eq!(table().text(names), "{owner=arwdDxtm/owner}");
}

#[test]
fn everyone_may_connect_and_nothing_else() {
    let acl = Acl::default_of(Grantable::Database, OWNER);
    assert_eq!(of(&acl, ANN), Privileges::CONNECT.and(Privileges::TEMPORARY));
}

#[test]
fn grants_show_as_aclitems() {
    let mut acl = table();
    acl.add(ANN, OWNER, Privileges::SELECT.and(Privileges::UPDATE), Privileges::SELECT);
    acl.add(PUBLIC, OWNER, Privileges::SELECT, Privileges::NONE);
    acl.add(BOB, ANN, Privileges::SELECT, Privileges::NONE);
    let shown = acl.text(names);
    let bob = "\"\\\"b\\\"\\\"ob\\\"=r/ann\"";
    assert_eq!(shown, format!("{{owner=arwdDxtm/owner,ann=r*w/owner,=r/owner,{bob}}}"));
}

#[test]
fn what_was_granted_on_goes_with_the_option() {
    let mut acl = table();
    acl.add(ANN, OWNER, Privileges::SELECT, Privileges::SELECT);
    acl.add(BOB, ANN, Privileges::SELECT, Privileges::NONE);
    let refused = acl.clone().revoke((ANN, OWNER), Privileges::SELECT, false, REFUSE);
    assert_eq!(refused.unwrap_err().code(), SqlState::DEPENDENT_OBJECTS_STILL_EXIST);
    acl.revoke((ANN, OWNER), Privileges::SELECT, false, CASCADE).unwrap();
    assert_eq!(acl, table());
}

#[test]
fn who_has_the_option_twice_keeps_what_it_granted() {
    let mut acl = table();
    acl.add(ANN, OWNER, Privileges::SELECT, Privileges::SELECT);
    acl.add(ANN, BOB, Privileges::SELECT, Privileges::SELECT);
    acl.add(Oid(4), ANN, Privileges::SELECT, Privileges::NONE);
    acl.revoke((ANN, OWNER), Privileges::SELECT, false, REFUSE).unwrap();
    assert_eq!(of(&acl, Oid(4)), Privileges::SELECT);
}

#[test]
fn options_are_not_granted_in_a_circle() {
    let mut acl = table();
    acl.add(ANN, OWNER, Privileges::SELECT, Privileges::SELECT);
    acl.add(BOB, ANN, Privileges::SELECT, Privileges::SELECT);
    let circle = acl.check_circle(ANN, BOB, Privileges::SELECT, OWNER);
    assert_eq!(circle.unwrap_err().code(), SqlState::INVALID_GRANT_OPERATION);
    acl.check_circle(BOB, ANN, Privileges::SELECT, OWNER).unwrap();
}

#[test]
fn a_new_owner_takes_the_old_one_s_place() {
    let mut acl = table();
    acl.add(ANN, OWNER, Privileges::SELECT, Privileges::NONE);
    acl.change_owner(OWNER, ANN);
    assert_eq!(acl.text(names), "{ann=arwdDxtm/ann}");
}
