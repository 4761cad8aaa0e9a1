//! [`Wanted`]: a provider that is to be measured, as the user names it.

use serde_json::{Map, Value};
use yado_core::{Error, ErrorKind, Result};

/// A provider that is to be measured, with settings of its block.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// As the user wrote it, such as `container` or `container:cpus=0.5`; different for each.
    pub name: String,
    /// The provider's name.
    pub provider: String,
    /// Settings of its block.
    pub settings: Map<String, Value>,
}

impl Wanted {
    /// Reads `provider[:setting=value[,setting=value…]]`; `number` tells apart what was written twice.
    ///
    /// # Errors
    /// When a setting has no value.
    pub fn parse(text: &str, number: usize) -> Result<Self> {
        let (provider, settings) = text.split_once(':').unwrap_or((text, ""));
        let mut map = Map::new();
        for setting in settings.split(',').filter(|setting| !setting.is_empty()) {
            let (name, value) = setting.split_once('=').ok_or_else(|| {
                Error::new(ErrorKind::Usage, format!("'{setting}' of '{text}' is no setting with a value."))
                    .hinted("Write it as in `container:cpus=0.5,memory=512`.")
            })?;
            // Numbers and truth as such, everything else as text.
            let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
            map.insert(name.to_owned(), value);
        }
        let name = if number == 1 { text.to_owned() } else { format!("{text} #{number}") };
        Ok(Self { name, provider: provider.to_owned(), settings: map })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn subjects_have_settings_and_are_told_apart() {
        let wanted = Wanted::parse("container:cpus=0.5,init=yado", 2).unwrap();
        assert_eq!(
            (wanted.provider.as_str(), wanted.name.as_str()),
            ("container", "container:cpus=0.5,init=yado #2")
        );
        assert_eq!(wanted.settings["cpus"], json!(0.5));
        assert_eq!(wanted.settings["init"], json!("yado"));
        assert!(Wanted::parse("container:cpus", 1).is_err());
    }
}
