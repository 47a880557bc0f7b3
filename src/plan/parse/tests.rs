use super::*;

#[test]
fn reads_a_statement() {
    assert_eq!(parse("SELECT 1").unwrap().len(), 1);
}
