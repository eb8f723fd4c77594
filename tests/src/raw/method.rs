use amq_protocol::protocol::{AMQPClass, basic, channel, confirm, connection, exchange, queue, tx};

/// A method of the protocol by its own type.
pub trait Method: Sized {
    /// The method among all methods.
    fn wrap(self) -> AMQPClass;

    /// The method, if it is this one.
    ///
    /// # Errors
    /// It is another one, given back.
    fn unwrap_from(class: AMQPClass) -> Result<Self, Box<AMQPClass>>;
}

/// A method that is answered.
pub trait Request: Method {
    /// The answer.
    type Answer: Method;
}

macro_rules! methods {
    ($($class:ident $module:ident { $($method:ident)* })*) => {
        $($(
            impl Method for $module::$method {
                fn wrap(self) -> AMQPClass {
                    AMQPClass::$class($module::AMQPMethod::$method(self))
                }

                fn unwrap_from(class: AMQPClass) -> Result<Self, Box<AMQPClass>> {
                    match class {
                        AMQPClass::$class($module::AMQPMethod::$method(method)) => Ok(method),
                        other => Err(Box::new(other)),
                    }
                }
            }
        )*)*
    };
}

macro_rules! requests {
    ($($module:ident { $($request:ident -> $answer:ident)* })*) => {
        $($(
            impl Request for $module::$request {
                type Answer = $module::$answer;
            }
        )*)*
    };
}

methods! {
    Connection connection {
        Start StartOk Tune TuneOk Open OpenOk Close CloseOk Blocked Unblocked UpdateSecret UpdateSecretOk
        Secure SecureOk
    }
    Channel channel { Open OpenOk Close CloseOk Flow FlowOk }
    Exchange exchange { Declare DeclareOk Delete DeleteOk Bind BindOk Unbind UnbindOk }
    Queue queue { Declare DeclareOk Bind BindOk Unbind UnbindOk Purge PurgeOk Delete DeleteOk }
    Basic basic {
        Qos QosOk Consume ConsumeOk Cancel CancelOk Publish Get GetEmpty Ack Nack Reject Recover RecoverOk
        RecoverAsync
    }
    Confirm confirm { Select SelectOk }
    Tx tx { Select SelectOk Commit CommitOk Rollback RollbackOk }
}

requests! {
    connection { Open -> OpenOk Close -> CloseOk UpdateSecret -> UpdateSecretOk }
    channel { Open -> OpenOk Close -> CloseOk Flow -> FlowOk }
    exchange { Declare -> DeclareOk Delete -> DeleteOk Bind -> BindOk Unbind -> UnbindOk }
    queue { Declare -> DeclareOk Bind -> BindOk Unbind -> UnbindOk Purge -> PurgeOk Delete -> DeleteOk }
    basic { Qos -> QosOk Consume -> ConsumeOk Cancel -> CancelOk Recover -> RecoverOk }
    confirm { Select -> SelectOk }
    tx { Select -> SelectOk Commit -> CommitOk Rollback -> RollbackOk }
}
