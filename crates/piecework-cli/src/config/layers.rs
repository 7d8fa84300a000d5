//! The layers of settings, the nearest first: the environment, then file after file.

use toml::Value;

use crate::config::environment::{self, Variables};
use crate::config::files::{self, File};
use crate::config::keys::{Key, Keys};

/// All settings there are.
#[derive(Debug)]
pub(crate) struct Layers(Vec<Layer>);

#[derive(Debug)]
enum Layer {
    /// By the path of the key.
    Environment(Vec<(String, Setting)>),
    File(File),
}

/// A value, and where it was found: a file, or the name of a variable.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Setting {
    pub(crate) value: Value,
    pub(crate) origin: String,
}

impl Layers {
    /// Reads everything and checks that each value has a key it fits.
    pub(crate) fn find(keys: &Keys<'_>, variables: &Variables) -> anyhow::Result<Self> {
        let mut settings = Vec::new();
        for key in keys.all() {
            if let Some(value) = environment::value(key, variables)? {
                settings.push((key.path(), Setting { value, origin: key.variable() }));
            }
        }
        let mut layers = vec![Layer::Environment(settings)];
        for file in files::read(variables)? {
            file.check(keys)?;
            layers.push(Layer::File(file));
        }
        Ok(Self(layers))
    }

    /// What is in force for a key.
    pub(crate) fn find_setting(&self, key: &Key<'_>) -> Option<Setting> {
        self.0.iter().find_map(|layer| layer.get(key))
    }

    /// What is in force for a shared key in commands whose tables are silent.
    pub(crate) fn shared(&self, key: &Key<'_>) -> Option<Setting> {
        self.0.iter().find_map(|layer| match layer {
            Layer::Environment(_) => layer.get(key),
            Layer::File(file) => of_file(file, file.shared(key)?),
        })
    }

    /// What is in force for a command whose own flags are given or not, the farthest first: of two
    /// flags that undo each other, the nearer is then the last, which counts. What clap would
    /// refuse beside something nearer is left out.
    pub(crate) fn settings<'k, 'c>(
        &self,
        keys: &'k Keys<'c>,
        command: &'k str,
        is_given: impl Fn(&str) -> bool,
    ) -> Vec<(&'k Key<'c>, Setting)> {
        let of_command = || keys.of_command(command);
        let mut decided: Vec<&str> = of_command().map(Key::id).filter(|id| is_given(id)).collect();
        let mut at_work = decided.clone();
        let mut settings = Vec::new();
        for layer in &self.0 {
            let in_layer: Vec<_> = of_command()
                .filter(|key| !decided.contains(&key.id()))
                .filter_map(|key| Some((key, layer.get(key)?)))
                .collect();
            decided.extend(in_layer.iter().map(|(key, _)| key.id()));
            let fitting: Vec<_> = in_layer
                .into_iter()
                .filter(|(key, setting)| key.words(&setting.value).is_some_and(|it| !it.is_empty()))
                .filter(|(key, _)| !at_work.iter().any(|id| keys.conflict(key, id)))
                .collect();
            at_work.extend(fitting.iter().map(|(key, _)| key.id()));
            settings.splice(0..0, fitting);
        }
        settings
    }
}

impl Layer {
    fn get(&self, key: &Key<'_>) -> Option<Setting> {
        match self {
            Self::Environment(settings) => {
                let path = key.path();
                settings.iter().find(|(of, _)| *of == path).map(|(_, setting)| setting.clone())
            }
            Self::File(file) => of_file(file, file.get(key)?),
        }
    }
}

fn of_file(file: &File, value: &Value) -> Option<Setting> {
    Some(Setting { value: value.clone(), origin: file.path().display().to_string() })
}
