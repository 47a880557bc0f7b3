//! What is kept of a password: a SCRAM-SHA-256 verifier in PostgreSQL's own text form.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest, Sha256};

use crate::base::Random;
use crate::base::scram::{salted_password, sign};

/// PostgreSQL's default (`scram_iterations`).
const ITERATIONS: u32 = 4096;
/// PostgreSQL's `SCRAM_DEFAULT_SALT_LEN`.
const SALT_BYTES: usize = 16;

/// The verifier of a password; text that is one already stays as it is.
pub fn verifier(password: &str, random: &dyn Random) -> String {
    if is_verifier(password) {
        return password.to_owned();
    }
    let mut salt = [0; SALT_BYTES];
    random.fill(&mut salt);
    let salted = salted_password(password.as_bytes(), &salt, ITERATIONS);
    let client_key = sign(&salted, b"Client Key");
    let stored_key = Sha256::digest(client_key);
    let server_key = sign(&salted, b"Server Key");
    format!(
        "SCRAM-SHA-256${ITERATIONS}:{}${}:{}",
        BASE64.encode(salt),
        BASE64.encode(stored_key),
        BASE64.encode(server_key)
    )
}

fn is_verifier(text: &str) -> bool {
    let parts = || {
        let rest = text.strip_prefix("SCRAM-SHA-256$")?;
        let (front, keys) = rest.split_once('$')?;
        let (iterations, salt) = front.split_once(':')?;
        let (stored, server) = keys.split_once(':')?;
        iterations.parse::<u32>().ok().filter(|count| *count > 0)?;
        BASE64.decode(salt).ok()?;
        let key = |text: &str| BASE64.decode(text).ok().filter(|key| key.len() == 32);
        key(stored).zip(key(server))
    };
    parts().is_some()
}
