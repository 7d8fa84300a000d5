//! Tasks that cannot be told apart by their names.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]
use piecework::tasks::TaskError;
use piecework::{Manager, Pool, WorkerError};

/// Two functions in blocks of the same function have the same path.
async fn doubled() -> Result<u8, TaskError> {
    {
        #[piecework::task]
        fn number() -> u8 {
            1
        }
        assert_eq!(number(), 1);
    }
    #[piecework::task]
    fn number() -> u8 {
        2
    }
    Pool::local(1).apply(number, ()).await
}

#[tokio::test]
async fn nobody_runs_a_task_that_two_functions_are() {
    let error = doubled().await.unwrap_err();
    assert!(matches!(error, TaskError::Doubled { function } if function.ends_with("number")));
    let manager = Manager::local().await.unwrap();
    let error = manager.worker("task").run().await.unwrap_err();
    assert!(matches!(error, WorkerError::Child(TaskError::Doubled { .. })), "{error:?}");
}

#[test]
#[should_panic(expected = "two functions are the task doubled::doubled::{{closure}}::number")]
fn a_program_with_such_tasks_does_not_begin() {
    piecework::init();
}
