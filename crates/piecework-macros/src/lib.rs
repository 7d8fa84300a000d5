//! The attribute `#[piecework::task]`: a function that other processes of the same program find.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Error, FnArg, ItemFn};

/// Lets a function be run in a child process, by `Pool`, `Process` and `Worker`. It stays a
/// function that can be called as ever.
///
/// Its arguments and its result are of types that serde knows. It may be `async`; it may not be
/// generic, a method, or take references.
///
/// ```
/// #[piecework::task]
/// fn square(n: u64) -> u64 {
///     n * n
/// }
///
/// #[tokio::main]
/// async fn main() -> Result<(), piecework::tasks::TaskError> {
///     piecework::init(); // first: the child is this program, too
///     assert_eq!(square(12), 144); // here
///     assert_eq!(piecework::Pool::local(1).apply(square, (12,)).await?, 144); // in a child
///     Ok(())
/// }
/// ```
#[proc_macro_attribute]
pub fn task(
    options: proc_macro::TokenStream,
    function: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    let expanded = match options.is_empty() {
        true => syn::parse(function).and_then(|function| expand(&function)),
        false => {
            Err(Error::new(proc_macro2::Span::call_site(), "#[piecework::task] takes no options"))
        }
    };
    expanded.unwrap_or_else(Error::into_compile_error).into()
}

fn expand(function: &ItemFn) -> Result<TokenStream, Error> {
    let signature = &function.sig;
    if let Some(generic) = signature.generics.params.first() {
        return Err(Error::new_spanned(
            generic,
            "a task is found by its name alone, so it cannot be generic",
        ));
    }
    let mut types = Vec::new();
    for argument in &signature.inputs {
        match argument {
            FnArg::Typed(argument) => types.push(&argument.ty),
            FnArg::Receiver(receiver) => {
                return Err(Error::new_spanned(receiver, "a task is a function, not a method"));
            }
        }
    }
    let name = &signature.ident;
    let names: Vec<_> = (0..types.len()).map(|at| format_ident!("argument_{at}")).collect();
    let called = match signature.asyncness {
        None => quote!(#name(#(#names),*)),
        Some(_) => quote!(::piecework::tasks::block_on(#name(#(#names),*))),
    };
    Ok(quote! {
        #[allow(clippy::needless_pass_by_value, reason = "what comes from afar is its own")]
        #function

        ::piecework::tasks::submit! {
            ::piecework::tasks::Task::new(
                || ::core::any::type_name_of_val(&#name),
                |arguments, out| {
                    let (#(#names,)*): (#(#types,)*) = ::piecework::tasks::read(arguments)?;
                    ::piecework::tasks::answer(&#called, out)
                },
            )
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(function: &str) -> Result<String, String> {
        let expanded = syn::parse_str(function).and_then(|function| expand(&function));
        expanded.map(|code| code.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn the_function_stays() {
        let code = expanded("fn add(a: u64, b: u64) -> u64 { a + b }").unwrap();
        assert!(code.contains("] fn add (a : u64 , b : u64) -> u64 { a + b }"), "{code}");
        assert!(code.contains("(u64 , u64 ,) = :: piecework :: tasks :: read"), "{code}");
    }

    #[test]
    fn what_cannot_be_found_by_name_is_refused() {
        let error = expanded("fn f<T>(a: T) {}").unwrap_err();
        assert_eq!(error, "a task is found by its name alone, so it cannot be generic");
        let error = expanded("fn f(&self) {}").unwrap_err();
        assert_eq!(error, "a task is a function, not a method");
    }
}
