use crate::config::{RabbitProperties, Resend, RetryProperties};
use crate::error::{Fault, Faults, Place};
use crate::message::HeaderLimits;
use crate::name::Name;
use crate::template::{CallbackSettings, ResendPolicy, RetrySettings, TemplateSettings};

/// What the template needs.
pub(in super::super) fn template_settings(
    properties: &RabbitProperties,
) -> Result<TemplateSettings, Faults> {
    let (template, publisher) = (&properties.template, &properties.publisher);
    let mut faults = Faults::new();
    let mut name = |path: &str, text: &str| {
        Name::try_from(text).unwrap_or_else(|error| {
            let place = properties.origins.of(path).place().cloned();
            let place = place.unwrap_or_else(|| Place::Elsewhere(path.to_owned()));
            faults.push(Fault::new(place, error.to_string()));
            Name::default()
        })
    };
    let settings = TemplateSettings {
        exchange: name("template.exchange", &template.exchange),
        routing_key: name("template.routing-key", &template.routing_key),
        default_receive_queue: template
            .default_receive_queue
            .as_deref()
            .map(|queue| name("template.default-receive-queue", queue)),
        receive_timeout: template.receive_timeout,
        reply_timeout: template.reply_timeout,
        mandatory: template.mandatory,
        window_messages: count(publisher.window_messages),
        window_bytes: u32::try_from(publisher.window_bytes).unwrap_or(u32::MAX),
        window_timeout: publisher.window_timeout,
        confirm_timeout: publisher.confirm_timeout,
        silence_timeout: publisher.silence_timeout,
        return_grace: publisher.return_grace,
        resend: match template.resend {
            Resend::UntilDeadline => ResendPolicy::UntilDeadline,
            Resend::Never => ResendPolicy::Never,
        },
        retry: template.retry.enabled.then(|| retry(&template.retry)),
        headers: HeaderLimits {
            bytes: usize::try_from(properties.connection.max_header_size).unwrap_or(usize::MAX),
            depth: usize::try_from(properties.connection.max_header_depth).unwrap_or(usize::MAX),
        },
        max_message_size: publisher.max_message_size,
        callbacks: CallbackSettings {
            queue: count(publisher.callback_queue),
            concurrency: count(publisher.callback_concurrency),
            timeout: publisher.callback_timeout,
        },
    };
    faults.into_result(settings)
}

fn count(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

const fn retry(properties: &RetryProperties) -> RetrySettings {
    RetrySettings {
        max_retries: properties.max_retries,
        initial_interval: properties.initial_interval,
        multiplier: properties.multiplier,
        max_interval: properties.max_interval,
    }
}
