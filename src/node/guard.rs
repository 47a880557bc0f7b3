//! Certificates and host rules: files that are read at the start, and again on SIGHUP.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwapOption;

use crate::pg::{Tls, TlsMode};
use crate::session::HostRules;

use super::configuration::Configuration;

/// What guards a node's door.
#[derive(Clone, Debug)]
pub struct Guard {
    pub(super) tls: Option<Arc<Tls>>,
    pub(super) rules: Arc<ArcSwapOption<HostRules>>,
    hba: Option<PathBuf>,
}

impl Guard {
    /// Reads the files.
    ///
    /// # Errors
    /// One line.
    pub(super) fn new(configuration: &Configuration) -> Result<Self, String> {
        let tls = match (configuration.tls, &configuration.tls_files) {
            (TlsMode::Off, _) => None,
            (mode, Some(files)) => Some(Arc::new(Tls::new(mode, files.clone())?)),
            (_, None) => {
                return Err("TLS needs --tls-certificate and --tls-key".to_owned());
            }
        };
        let hba = configuration.hba.clone();
        let rules = hba.as_deref().map(read).transpose()?.map(Arc::new);
        Ok(Self { tls, rules: Arc::new(ArcSwapOption::from(rules)), hba })
    }

    /// Reads the files again, for connections from now on. What can't be read stays as it was.
    ///
    /// # Errors
    /// A line for each file that can't be used.
    pub fn reload(&self) -> Result<(), Vec<String>> {
        let mut errors = Vec::new();
        if let Some(tls) = &self.tls {
            errors.extend(tls.reload().err());
        }
        if let Some(hba) = &self.hba {
            match read(hba) {
                Ok(rules) => self.rules.store(Some(Arc::new(rules))),
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }
}

fn read(file: &Path) -> Result<HostRules, String> {
    let shown = file.display();
    let text =
        std::fs::read_to_string(file).map_err(|error| format!("cannot read {shown}: {error}"))?;
    HostRules::parse(&text).map_err(|error| format!("{shown}: {error}"))
}
