//! What Python 3 makes of Python 2's names: at protocols 0 to 2, unpicklers import something else
//! than what the pickle says.
use std::collections::HashMap;
use std::sync::LazyLock;

/// The protocol from which on names are what they say.
const PROTO_OF_PYTHON_3: u8 = 3;

/// `module -> module`, or `module name -> module name`, which comes first.
const RENAMED: &str = include_str!("python2.txt");

#[derive(Default)]
struct Renamed {
    modules: HashMap<&'static str, &'static str>,
    names: HashMap<(&'static str, &'static str), (&'static str, &'static str)>,
}

/// The module and the name that an unpickler of Python 3 imports.
pub(super) fn import<'a>(module: &'a str, name: &'a str, proto: u8) -> (&'a str, &'a str) {
    static TABLE: LazyLock<Renamed> = LazyLock::new(read);
    if proto >= PROTO_OF_PYTHON_3 {
        return (module, name);
    }
    let renamed = TABLE.names.get(&(module, name)).copied();
    renamed.unwrap_or_else(|| (TABLE.modules.get(module).copied().unwrap_or(module), name))
}

fn read() -> Renamed {
    let mut table = Renamed::default();
    for line in RENAMED.lines() {
        match line.split(' ').collect::<Vec<_>>()[..] {
            [old, "->", new] => drop(table.modules.insert(old, new)),
            [module, name, "->", new_module, new_name] => {
                table.names.insert((module, name), (new_module, new_name));
            }
            _ => unreachable!("the table has one form for modules and one for names: {line}"),
        }
    }
    table
}
