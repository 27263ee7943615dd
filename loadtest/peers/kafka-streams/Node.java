import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.*;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.LongAdder;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.LagInfo;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;

/**
 * One instance of several: the topology and the settings of Inventory, on topics that somebody else makes, feeds and
 * reads. It runs until SIGTERM, and is a static member of its group: stopped, its partitions wait for its next life.
 *
 * <pre>
 *   state RUNNING           on standard output, at each change
 *   standby 4 0.120         every 200 ms where it has standbys: how many, and how many seconds ago the place that the
 *                           one furthest behind has got to was the end of its changelog
 * </pre>
 */
public final class Node {
  private static final long LOOK_MILLIS = 200;

  public static void main(String[] args) throws Exception {
    Map<String, String> o = new HashMap<>(Map.of("brokers", "127.0.0.1:9092", "application", "", "lines", "", "outcomes", "", "state-dir", "",
        "instance", "", "workers", "2", "standby", "0", "session-timeout-ms", "6000"));
    for (int i = 0; i < args.length; i += 2) {
      String name = args[i].startsWith("--") ? args[i].substring(2) : "";
      if (!o.containsKey(name) || i + 1 == args.length) throw new IllegalArgumentException(args[i] + ": no such flag, or no value");
      o.put(name, args[i + 1]);
    }
    o.forEach((name, value) -> {
      if (value.isEmpty()) throw new IllegalArgumentException("--" + name + ": missing");
    });
    int standbys = Integer.parseInt(o.get("standby"));
    Path stateDir = Files.createDirectories(Path.of(o.get("state-dir")));
    Properties p = Inventory.settings(o.get("application"), o.get("brokers"), stateDir, Integer.parseInt(o.get("workers")), 100);
    p.put(StreamsConfig.NUM_STANDBY_REPLICAS_CONFIG, standbys);
    int session = Integer.parseInt(o.get("session-timeout-ms"));
    p.put(StreamsConfig.consumerPrefix(ConsumerConfig.SESSION_TIMEOUT_MS_CONFIG), session);
    p.put(StreamsConfig.consumerPrefix(ConsumerConfig.HEARTBEAT_INTERVAL_MS_CONFIG), session / 3);
    p.put(StreamsConfig.consumerPrefix(ConsumerConfig.GROUP_INSTANCE_ID_CONFIG), o.get("instance"));
    // A node that came back gets its share again as soon as Kafka Streams allows, all of it at once; by default that
    // is after ten minutes, and two tasks at a time.
    p.put(StreamsConfig.PROBING_REBALANCE_INTERVAL_MS_CONFIG, 60_000L);
    p.put(StreamsConfig.MAX_WARMUP_REPLICAS_CONFIG, 64);

    KafkaStreams streams = new KafkaStreams(Inventory.topology(o.get("lines"), o.get("outcomes"), new LongAdder()), p);
    CountDownLatch failed = new CountDownLatch(1);
    streams.setUncaughtExceptionHandler(e -> {
      System.err.println("kafka-streams: " + e);
      failed.countDown();
      return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
    });
    streams.setStateListener((now, was) -> System.out.println("state " + now));
    Thread stop = new Thread(() -> streams.close(Duration.ofSeconds(20)), "stop");
    Runtime.getRuntime().addShutdownHook(stop);
    streams.start();
    Behind behind = new Behind();
    while (!failed.await(LOOK_MILLIS, java.util.concurrent.TimeUnit.MILLISECONDS))
      if (standbys > 0) behind.look(streams);
    System.exit(1);
  }

  /** Kafka Streams says how many records a standby is behind; when the log ended where the standby is, says how long. */
  private static final class Behind {
    private record End(long at, long offset) {}

    private final Map<String, Deque<End>> ends = new HashMap<>();

    void look(KafkaStreams streams) {
      Map<String, Map<Integer, LagInfo>> lags;
      Set<Integer> standing = new HashSet<>();
      try {
        streams.metadataForLocalThreads().forEach(t -> t.standbyTasks().forEach(task -> standing.add(task.taskId().partition())));
        lags = streams.allLocalStorePartitionLags();
      } catch (RuntimeException e) {
        return; // not running just now
      }
      long now = System.currentTimeMillis();
      long worst = 0;
      for (var store : lags.entrySet())
        for (var partition : store.getValue().entrySet()) {
          if (!standing.contains(partition.getKey())) continue;
          LagInfo lag = partition.getValue();
          Deque<End> seen = ends.computeIfAbsent(store.getKey() + partition.getKey(), k -> new ArrayDeque<>());
          seen.add(new End(now, lag.endOffsetPosition()));
          while (seen.size() > 1 && seen.peek().offset <= lag.currentOffsetPosition()) seen.poll();
          long millis = seen.peek().offset <= lag.currentOffsetPosition() ? 0 : now - seen.peek().at;
          worst = Math.max(millis, worst);
        }
      System.out.printf(Locale.ROOT, "standby %d %.3f%n", standing.size(), worst / 1e3);
    }
  }
}
