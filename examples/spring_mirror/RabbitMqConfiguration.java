// What main.rs replaces, for comparison. Nothing here is compiled.

@Configuration
@Slf4j
public class RabbitMqConfiguration {

    @Bean
    public MessageConverter messageConverter() {
        return new Jackson2JsonMessageConverter();
    }

    @Bean
    public RabbitTemplate rabbitTemplate(ConnectionFactory factory, MessageConverter converter) {
        RabbitTemplate template = new RabbitTemplate(factory);
        template.setMessageConverter(converter);
        template.setMandatory(true);
        template.setConfirmCallback((correlationData, ack, cause) -> {
            if (!ack) log.warn("not confirmed: {} {}", correlationData, cause);
        });
        template.setReturnsCallback(returned ->
            log.warn("returned: {} {} {}", returned.getReplyText(), returned.getExchange(), returned.getRoutingKey()));
        return template;
    }

    @Bean
    public ThreadPoolTaskExecutor rabbitExecutor() {
        ThreadPoolTaskExecutor executor = new ThreadPoolTaskExecutor();
        executor.setCorePoolSize(16);
        executor.setMaxPoolSize(16);
        executor.setQueueCapacity(500);
        executor.setThreadNamePrefix("rabbitExecutor-");
        executor.setRejectedExecutionHandler(new ThreadPoolExecutor.CallerRunsPolicy());
        executor.setWaitForTasksToCompleteOnShutdown(true);
        return executor;
    }

    @Bean
    public SimpleRabbitListenerContainerFactory rabbitListenerContainerFactory(
            ConnectionFactory factory, MessageConverter converter, ThreadPoolTaskExecutor rabbitExecutor) {
        SimpleRabbitListenerContainerFactory containers = new SimpleRabbitListenerContainerFactory();
        containers.setConnectionFactory(factory);
        containers.setMessageConverter(converter);
        containers.setTaskExecutor(rabbitExecutor);
        return containers;
    }
}
